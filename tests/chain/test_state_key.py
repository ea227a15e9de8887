"""State keys against those of a foreign genesis state, and against the definition."""
# portable: runs on CPython and MicroPython

from jamliquor_lite.chain import state_key
from jamliquor_lite.crypto.suite import blake2b_256
from jamliquor_lite.errors import LocalError
from tests.support import raises, tohex, unhex


def test_chapters_and_accounts() -> None:
    assert state_key.chapter(state_key.ENTROPY) == b"\x06" + bytes(30)
    assert state_key.chapter(255) == b"\xff" + bytes(30)
    assert state_key.service_account(0) == b"\xff" + bytes(30)
    assert tohex(state_key.service_account(0x04030201)) == "ff01000200030004" + "00" * 23


def test_keys_of_a_foreign_genesis() -> None:
    # The code and the authorizer of service 0 in the development chain that typeberry ships: hash, length, and
    # the keys under which its genesis state holds the preimage and the request for it.
    table = [
        (
            "d1b097b4410b3a63446d7c57d093972a9744fcd2d74f4a5e2ec163610e6d6327", 137056,
            "0090002d008d004aa8d1f82dc898421827c22613be61ec8fea14e7cbf2761c",
            "00d600fb00da00359bb76e590150f6a2913b66485dedbce71b8a11bb94f5e9",
        ),
        (
            "f8d86b97d65319a078e5840f1614c296a5254217794dcc910e72ca174e3c2e86", 50,
            "006200e5005e009a783dea6395f0002b98566c47f6d17f33ac790f6a687e5f",
            "00cc007a00980005854520370befe282935ed398114c060b435946c98d4fc1",
        ),
    ]
    for digest, length, preimage, request in table:
        assert tohex(state_key.service_preimage(0, unhex(digest))) == preimage
        assert tohex(state_key.service_request(0, unhex(digest), length)) == request


def test_a_service_id_is_woven_into_the_first_bytes() -> None:
    a = blake2b_256(b"\xff\xff\xff\xff" + b"name")
    key = state_key.service_storage(0x04030201, b"name")
    assert key == bytes((1, a[0], 2, a[1], 3, a[2], 4, a[3])) + a[4:27]
    assert len(key) == 31
    assert state_key.service_storage(7, b"") != state_key.service_storage(7, b"\0")


def test_what_has_no_key_is_the_users_mistake() -> None:
    for call, args, words in (
        (state_key.service_account, (1 << 32,), "outside 0 to 2^32 - 1"),
        (state_key.service_account, (-1,), "outside"),
        (state_key.service_preimage, (0, bytes(31)), "32 bytes, not 31"),
        (state_key.service_request, (0, bytes(32), 1 << 32), "length"),
    ):
        error = raises(LocalError, call, *args)
        assert error.exit_code == 2 and words in str(error)
