"""Keys, encodings and history against published vectors and recorded chains."""

import cbor2
import pytest

from jamliquor_lite.codec.spec import FULL, TINY
from jamliquor_lite.devnet import parameters
from jamliquor_lite.devnet.build import encode_epoch_mark, encode_header
from jamliquor_lite.devnet.history import History, append_to_belt, keccak_256, super_peak
from jamliquor_lite.devnet.keys import KeyPool, Validator, ValidatorSet, trivial_seed
from jamliquor_lite.devnet.safrole import Contest, Ticket, accumulate, outside_in
from tests import support

from .follower import Parsed, blake

# JIP-5, "Test vectors": index, Ed25519 secret and public key, Bandersnatch public key.
JIP5 = (
    (0, "d68962bd586d5f8bb216cf671161c8edeb23a094371d199a656024ae2feed20b",
     "39648547f495eaac909f7840330e73cdf837f8db8a4f583728742c958adac82b",
     "8e46bce7abcf8d3d87109f2b6b1a8c941bf100435ad6b75bf0e92110241bbcf0"),
    (1, "74a600d03c44aaf79316575cc1c9bf2787c9560f35ebfee60ce75d0d153a3e85",
     "ebf47a0ff95ae6c7e8a6c0f97ff993d8b62fb9177d09fb088e5441cd9b2fe469",
     "d8bd18ead243182a535d3e1cffd7831dbab9d57f317bb90a0a43a208fd5927af"),
    (5, "27f002a0a179ca0cc13f68326fe4077fbd8504f4319f26dbb7da3ab4d4e153ec",
     "4155988e4a398eb6962bbeea98a7e79e28d42346fe7ebcf3b9476474343fc2f3",
     "d83c0731105d78c61323446c328d707a9ef7821e74e96ec494b2e67536946f4b"),
)


def recorded(name):
    with open(support.vectors(name), "rb") as file:
        return cbor2.load(file)


@pytest.mark.parametrize("index, secret, ed25519, bandersnatch", JIP5)
def test_keys_are_those_of_jip5(index, secret, ed25519, bandersnatch):
    validator = Validator(index)
    assert trivial_seed(index) == index.to_bytes(4, "little") * 8
    assert validator.ed25519_secret.hex() == secret
    assert validator.ed25519.hex() == ed25519
    assert validator.bandersnatch.hex() == bandersnatch
    assert validator.key == validator.pair + bytes(272) and len(validator.key) == 336


def test_a_pool_makes_a_key_once_and_knows_its_end():
    pool = KeyPool(3, first=10)
    assert pool[2] is pool[2] and pool[2].index == 12
    for index in (3, -1):
        with pytest.raises(IndexError):
            pool[index]


def test_a_set_strikes_out_by_ed25519_key():
    pool = KeyPool(4)
    whole = ValidatorSet(tuple(pool[i] for i in range(4)))
    less = whole.without(frozenset([pool[2].ed25519]))
    assert less.key(2) == bytes(32) and less.place(pool[2].bandersnatch) == -1 and less.place(bytes(32)) == -1
    assert less.place(pool[3].bandersnatch) == 3 and less.pairs[128:192] == bytes(64)
    assert less.encoded[672:1008] == bytes(336) and whole.without(frozenset()) is whole


def test_keccak_is_the_original_one():
    # Known answers of the Keccak team (0x01 padding): empty input, and "abc".
    assert keccak_256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak_256(b"abc").hex() == "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"


def test_a_belt_is_a_binary_counter_of_peaks():
    leaves = [blake(bytes([i])) for i in range(6)]
    belt = ()
    for leaf in leaves:
        belt = append_to_belt(belt, leaf)
    low = keccak_256(leaves[4] + leaves[5])
    high = keccak_256(keccak_256(leaves[0] + leaves[1]) + keccak_256(leaves[2] + leaves[3]))
    assert belt == (None, low, high)
    assert super_peak(belt) == keccak_256(b"peak" + low + high) and super_peak(()) == bytes(32)


def test_history_is_that_of_a_recorded_chain():
    data = recorded("chain_safrole.cbor")
    key = bytes([3]) + bytes(30)
    value = data["genesis"]["state"][key]
    history = History.of_genesis(Parsed(TINY, data["genesis"]["header"]).hash)
    assert history.encode() == value
    for entry in data["blocks"]:
        header = Parsed(TINY, entry["block"])
        history = history.after(header.hash, header.root)
        value = entry["set"].get(key, value)
        assert history.encode() == value


@pytest.mark.parametrize("name", ["chain_safrole.cbor", "chain_typeberry.cbor"])
def test_recorded_headers_are_encoded_to_the_same_bytes(name):
    kinds = set()
    for entry in recorded(name)["blocks"]:
        h = Parsed(TINY, entry["block"])
        mark = tickets = None
        if h.epoch_mark:
            mark = encode_epoch_mark(*h.epoch_mark[:2], b"".join(a + b for a, b in h.epoch_mark[2]))
        if h.tickets_mark:
            tickets = b"".join(ident + bytes([attempt]) for ident, attempt in h.tickets_mark)
        made = encode_header(h.parent, h.root, h.body_hash, h.slot, h.author, h.entropy_signature, h.seal, mark,
                             tickets, h.offenders)
        assert made == entry["block"][: h.end]
        kinds.add((mark is not None, tickets is not None))
    assert len(kinds) == 3


def test_parameters_have_the_order_and_widths_of_appendix_b():
    tiny, full = parameters.encode(TINY), parameters.encode(FULL)
    assert len(tiny) == len(full) == 134
    assert tiny.hex().startswith("0a0000000000000001000000000000006400000000000000" "0200" "20000000" "0c000000")
    assert tiny[-4:] == (10).to_bytes(4, "little") and full[-4:] == (500).to_bytes(4, "little")
    assert full[24:26] == (341).to_bytes(2, "little")
    assert parameters.values(FULL)["V"] == 1023 and parameters.values(TINY)["K"] == 3


def tickets(*numbers):
    return [Ticket(bytes([n]) * 32, 0, None) for n in numbers]


def test_the_sequence_goes_from_the_outside_in():
    assert [t.id[0] for t in outside_in(tickets(1, 2, 3, 4, 5))] == [1, 5, 2, 4, 3]


def test_a_contest_keeps_the_lowest_and_takes_only_useful_tickets():
    pool = KeyPool(6)
    keys = ValidatorSet(tuple(pool[i] for i in range(6)))
    contest = Contest(TINY, b"s" * 32)
    entropy = bytes(32)
    everything = contest.tickets(entropy, keys)
    assert len(everything) == 18 == len({t.id for t in everything})
    held = []
    for _ in range(20):
        fresh = contest.choose(entropy, keys, held, TINY.epoch_length)
        after = accumulate(held, fresh, TINY.epoch_length)
        assert len(fresh) <= 3 and all(t in after and t not in held for t in fresh)
        assert fresh == sorted(fresh, key=lambda t: t.id)
        held = after
    assert [t.id for t in held] == sorted(t.id for t in everything)[:12]
    assert contest.choose(entropy, keys, held, TINY.epoch_length) == []
    assert len(contest.choose(entropy, keys, [], 2)) == 2
