# portable: runs on CPython and MicroPython
"""Stream kinds: their names for people, and their protocols on the lite network."""

from jamliquor_lite.budget.classes import FINALITY
from jamliquor_lite.errors import LocalError
from jamliquor_lite.jam import kinds
from tests.support import raises

CHAIN = "2bf11dc5"


def test_names():
    assert kinds.name(0) == "UP 0 block announcement"
    assert kinds.name(129) == "CE 129 state request"
    assert kinds.name(130) == "CE 130 Grandpa justification request"
    assert kinds.name(153) == "CE 153 warp sync request"
    assert kinds.name(200) == "CE 200"
    assert kinds.name(kinds.HEADER_REQUEST) == "lite header request"
    assert kinds.name(999) == "lite 999"


def test_every_kind_has_one_protocol_and_comes_back():
    seen = set()
    for kind in range(261):
        protocol = kinds.protocol(kind, CHAIN)
        assert kinds.kind_of(protocol, CHAIN) == kind
        assert kinds.kind_of(protocol, "2bf11dc6") == -1
        seen.add(protocol)
    assert len(seen) == 261
    assert kinds.protocol(0, CHAIN) == "/jam/2bf11dc5/0/1"
    assert kinds.protocol(129, CHAIN) == "/jam/2bf11dc5/129/1"
    assert kinds.protocol(kinds.HEADER_REQUEST, CHAIN) == "/jamliquor/2bf11dc5/headers/1"
    assert kinds.protocol(kinds.HEADER_ANNOUNCEMENT, CHAIN) == "/jamliquor/2bf11dc5/announce/1"
    assert kinds.protocol(kinds.BLOCK_OFFER, CHAIN) == "/jamliquor/2bf11dc5/blocks/1"
    assert kinds.protocol(kinds.RELAYED_REQUEST, CHAIN) == "/jamliquor/2bf11dc5/relay/1"
    assert kinds.protocol(kinds.ATTESTATION_REQUEST, CHAIN) == "/jamliquor/2bf11dc5/attest/1"
    assert kinds.class_of(130, True) == kinds.class_of(153, True) == FINALITY


def test_a_lite_kind_never_fits_the_kind_byte_of_quic():
    for kind in (kinds.HEADER_REQUEST, kinds.HEADER_ANNOUNCEMENT, kinds.BLOCK_OFFER, kinds.RELAYED_REQUEST,
                 kinds.ATTESTATION_REQUEST):
        assert kind > 255


def test_there_is_no_other_spelling():
    for text in (
        "", "/", "jam", "////", "/jam/2bf11dc5/128", "/jam/2bf11dc5/128/", "/jam/2bf11dc5/128/1/",
        "/jam/2bf11dc5/128/2", "/jam/2bf11dc5/128/01", "jam/2bf11dc5/128/1", " /jam/2bf11dc5/128/1",
        "/JAM/2bf11dc5/128/1", "/jam/2BF11DC5/128/1", "/jam/2bf11dc/128/1", "/jam//128/1", "/jam/2bf11dc5//1",
        "/jam/2bf11dc5/00/1", "/jam/2bf11dc5/0128/1", "/jam/2bf11dc5/007/1", "/jam/2bf11dc5/256/1",
        "/jam/2bf11dc5/257/1", "/jam/2bf11dc5/999/1", "/jam/2bf11dc5/-1/1", "/jam/2bf11dc5/+1/1",
        "/jam/2bf11dc5/1_0/1", "/jam/2bf11dc5/ 1/1", "/jam/2bf11dc5/1e1/1", "/jam/2bf11dc5/\u00b2/1",
        "/jam/2bf11dc5/\u0661/1", "/jam/2bf11dc5/" + "9" * 1000 + "/1", "/jam/2bf11dc5/headers/1",
        "/jamliquor/2bf11dc5/128/1", "/jamliquor/2bf11dc5/256/1", "/jamliquor/2bf11dc5/header/1",
        "/jamliquor/2bf11dc5/Headers/1", "/jamliquor/2bf11dc5/headers/2", "/jamliquor/2bf11dc5/headers/1\n",
        "/jamliquor/2bf11dc5//1", "/ipfs/id/1.0.0", "/yamux/1.0.0",
    ):
        assert kinds.kind_of(text, CHAIN) == -1, text


def test_an_unknown_number_has_no_protocol():
    for kind in (-1, 262, 1000):
        raises(LocalError, kinds.protocol, kind, CHAIN)
