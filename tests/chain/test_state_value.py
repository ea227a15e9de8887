"""Decoded state values, on made-up ones and on a foreign genesis' account."""
# portable: runs on CPython and MicroPython

from jamliquor_lite.chain import state_value
from jamliquor_lite.errors import VerifyError
from tests.chain import genesis
from tests.chain.genesis import SMALL
from tests.chain.samples import Random
from tests.support import raises, unhex


def test_a_service_account() -> None:
    # Service 0 of the development chain that typeberry ships.
    account = state_value.ServiceAccount(unhex(
        "00d1b097b4410b3a63446d7c57d093972a9744fcd2d74f4a5e2ec163610e6d6327ffffffffffffffff0a000000000000000a"
        "000000000000003418020000000000ffffffffffffffff04000000000000000000000000000000"
    ))
    fields = account.fields()
    assert [name for name, _ in fields] == [
        "code_hash", "balance", "min_accumulate_gas", "min_memo_gas", "octets", "gratis", "items", "created",
        "last_accumulated", "parent",
    ]
    values = [value for _, value in fields]
    assert values[0] == "d1b097b4410b3a63446d7c57d093972a9744fcd2d74f4a5e2ec163610e6d6327"
    # octets: 81 for each of two requests and the lengths of their preimages, GP 0.7.2 (9.8)
    assert values[1:] == [2**64 - 1, 10, 10, 2 * 81 + 137056 + 50, 2**64 - 1, 4, 0, 0, 0]
    assert "balance unlimited" in str(account) and "items 4" in str(account) and "\n" not in str(account)


def test_fields_of_an_account_do_not_mix() -> None:
    numbers = [1, 2, 3, 4, 5]
    value = b"\0" + bytes(range(32))
    value += b"".join([(n << 56).to_bytes(8, "little") for n in numbers])
    value += b"".join([(n << 24).to_bytes(4, "little") for n in (6, 7, 8, 9)])
    fields = state_value.ServiceAccount(value).fields()
    assert [v for _, v in fields[1:6]] == [n << 56 for n in numbers]
    assert [v for _, v in fields[6:]] == [n << 24 for n in (6, 7, 8, 9)]


def test_an_account_of_another_version_is_refused() -> None:
    for value in (b"", bytes(88), bytes(90), b"\1" + bytes(88)):
        error = raises(VerifyError, state_value.ServiceAccount, value)
        assert error.rule == "codec" and "known are 89 and 0" in str(error)


def test_slot_and_entropy() -> None:
    assert state_value.slot(b"\x01\x02\x03\x04") == 0x04030201
    for value in (b"", bytes(3), bytes(5)):
        assert raises(VerifyError, state_value.slot, value).rule == "codec"
    entropy = Random(50).bytes(128)
    assert b"".join(state_value.entropy(entropy)) == entropy
    for value in (b"", bytes(127), bytes(129)):
        assert raises(VerifyError, state_value.entropy, value).rule == "codec"


def test_validators_are_their_first_64_bytes() -> None:
    full, pairs = genesis.validators(SMALL, 51)
    assert len(full) == 3 * 336 and state_value.validators(SMALL, full) == pairs
    error = raises(VerifyError, state_value.validators, SMALL, full[:-1])
    assert "has 1007 bytes, spec custom needs 1008" in str(error)


def test_the_sequence_of_tickets_is_outside_in() -> None:
    rng = Random(52)
    full, _ = genesis.validators(SMALL, 51)
    best = genesis.tickets(rng, 4)
    safrole = state_value.Safrole(SMALL, genesis.safrole(SMALL, full, bytes(128), best))
    sequence = safrole.sequence(SMALL)
    assert sequence is not None and safrole.accumulator == best
    assert [best.find(sequence[i * 33 : i * 33 + 33]) // 33 for i in range(4)] == [0, 3, 1, 2]
    safrole = state_value.Safrole(SMALL, genesis.safrole(SMALL, full, bytes(128), best[:33]))
    assert safrole.sequence(SMALL) is None
