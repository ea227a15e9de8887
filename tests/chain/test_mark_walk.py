# portable: runs on CPython and MicroPython
"""What is kept of a header that opens an epoch, and its entropy."""

from jamliquor_lite.chain.mark_walk import KeysInMemory, MarkWalk, entropy_after
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.crypto import bandersnatch, vrf
from jamliquor_lite.crypto.suite import blake2b_256
from jamliquor_lite.errors import VerifyError
from tests.data.handmade import Parts, counted
from tests.support import raises


def opening(offenders=0):
    parts = Parts(24)
    parts.epoch_mark = counted(80, TINY.epoch_mark_size)
    parts.offenders = [counted(82 + i, 32) for i in range(offenders)]
    return parts


def test_what_is_kept_of_a_header():
    sink = KeysInMemory(TINY)
    walk = MarkWalk(TINY, sink)
    for offenders in (0, 1, 5):
        parts = opening(offenders)
        data = parts.bytes()
        for step in (1, 2, 33, 100, 101, 165, 4096):
            walk.begin()
            at = 0
            while not walk.is_done:
                at += walk.feed(b"??" + data + b"more", at + 2, min(len(data) + 4, at + step) + 2)
                assert walk.has_entropies == (at >= 165)
            assert at == len(data) and walk.digest == blake2b_256(data) and walk.slot == 24
            assert bytes(walk.entropies) == parts.epoch_mark[:64] and sink.keep().whole() == parts.epoch_mark[64:]
            assert walk.author == parts.author and walk.entropy_signature == parts.entropy_signature
            assert bytes(walk.seal) == parts.seal


def test_a_header_that_opens_no_epoch_is_refused_at_its_flag():
    walk = MarkWalk(TINY, KeysInMemory(TINY))
    data = Parts(24).bytes()
    walk.feed(data, 0, 100)
    assert raises(VerifyError, walk.feed, data, 100, 101).rule == "epoch_mark"
    walk.begin()
    both = opening()
    both.tickets_mark = counted(1, TINY.tickets_mark_size)
    data = both.bytes()
    assert raises(VerifyError, walk.feed, data, 0, len(data)).rule == "tickets_mark"


def test_the_entropy_is_of_both_signatures():
    secret = vrf.secret(b"an author")
    public = vrf.public(secret)
    seal = vrf.sign(secret, b"jam_fallback_seal" + bytes(32), b"a header")
    sealed = vrf.output(secret, b"jam_fallback_seal" + bytes(32))
    signature = vrf.sign(secret, b"jam_entropy" + sealed, b"")
    fresh = vrf.output(secret, b"jam_entropy" + sealed)
    before = counted(5, 32)
    assert entropy_after(before, public, seal, signature) == blake2b_256(before + fresh)
    other = vrf.sign(secret, b"jam_fallback_seal" + bytes(31) + b"1", b"a header")
    stranger = vrf.public(other[:32])
    for key, first, second in ((public, other, signature), (public, seal, other), (stranger, seal, signature)):
        assert raises(VerifyError, entropy_after, before, key, first, second).rule == "entropy"


def test_the_suite_is_bandersnatchs():
    import jamliquor_lite.chain.mark_walk as module

    assert module._SUITE == bandersnatch.SUITE
