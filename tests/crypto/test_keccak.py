# portable: runs on CPython and MicroPython
"""SHA3 and SHAKE, pure and as served: FIPS 202's examples, every length around a block, streams of many blocks."""

from jamliquor_lite.crypto import keccak, suite_hosts
from tests.support import unhex

EMPTY_SHA3_256 = "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"
ABC_SHA3_256 = "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"
ABC_SHA3_512 = (
    "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
    "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0"
)
EMPTY_SHAKE128 = "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26"
EMPTY_SHAKE256 = "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f"

# Chained over the lengths below, x = H(x + H(data)), from an empty x; made by hashlib.
LENGTHS = (0, 1, 7, 8, 9, 31, 32, 33, 71, 72, 73, 135, 136, 137, 143, 144, 145, 167, 168, 169, 271, 272, 273, 300)
CHAIN_SHA3_256 = "db11070ea5620b3f039ba50de7084068cfecefff7cec4cae846cadb24f00190c"
CHAIN_SHA3_512 = "95faeaba86bc67e0c03a6171639aadcf02725cf389b5684f360c5b290d0b9737"
CHAIN_SHAKE256 = "26ca93288fce6618b4627fc57dc007067192c8f54aca05c68caf323be568079a"
# Made likewise: the fifth and the sixth block of each length's stream, chained by SHA3-256.
BLOCKS_SHAKE128 = "b7a8899e7be6a1b2bd615a625946899ebc5f82375168ec329a18612a206ee9fb"
DATA = bytes([(i * 11 + 5) & 255 for i in range(300)])


def chain(call):
    x = b""
    for size in LENGTHS:
        x = call(x + call(DATA[:size]))
    return x


def twins():
    return keccak, suite_hosts


def test_examples():
    for it in twins():
        assert it.sha3_256(b"") == unhex(EMPTY_SHA3_256)
        assert it.sha3_256(memoryview(b"abc")) == unhex(ABC_SHA3_256)
        assert it.sha3_512(bytearray(b"abc")) == unhex(ABC_SHA3_512)
        assert it.shake256(b"", 32) == unhex(EMPTY_SHAKE256)


def test_every_length_around_a_block():
    for it in twins():
        assert chain(it.sha3_256) == unhex(CHAIN_SHA3_256)
        assert chain(it.sha3_512)[:32] == unhex(CHAIN_SHA3_512)
        assert chain(lambda data, it=it: it.shake256(data, 32)) == unhex(CHAIN_SHAKE256)


def test_shorter_outputs_are_the_beginning_of_longer_ones():
    for it in twins():
        whole = it.shake256(b"x", 136)
        assert len(whole) == 136
        for size in (0, 1, 7, 8, 9, 128, 135):
            assert it.shake256(b"x", size) == whole[:size]


def test_a_stream_of_many_blocks():
    for it in twins():
        stream = it.Shake128()
        block = bytearray(168)
        stream.start(b"")
        stream.next_into(block)
        assert block[:32] == unhex(EMPTY_SHAKE128)
        x = b""
        for size in LENGTHS:
            stream.start(memoryview(DATA)[:size])  # whatever it was in the middle of
            for _ in range(5):
                stream.next_into(block)
            x = suite_hosts.sha3_256(x + block)
            stream.next_into(block)
            x = suite_hosts.sha3_256(x + block)
        assert x == unhex(BLOCKS_SHAKE128)


def test_streams_do_not_disturb_each_other():
    for it in twins():
        first, second = it.Shake128(), it.Shake128()
        a, b, again = bytearray(168), bytearray(168), bytearray(168)
        first.start(b"a")
        second.start(b"b")
        first.next_into(a)
        it.sha3_256(b"between")
        second.next_into(b)
        first.next_into(a)
        second.start(b"a")
        second.next_into(again)
        second.next_into(again)
        assert a == again != b
