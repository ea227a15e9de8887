# portable: runs on CPython and MicroPython
"""Checking a proof of one key allocates nothing between its first node and its last byte, where the hash is in C."""

from jamliquor_lite.chain.single import KeyVerifier
from jamliquor_lite.chain.trie import Trie
from jamliquor_lite.crypto.suite import backends
from tests.support import skip

ROUNDS = 20
STATE = [(bytes([number * 7 & 0xFF, number]) + bytes(29), bytes([number]) * (number % 33)) for number in range(64)]


def locked():
    """The two functions that lock the heap and unlock it."""
    try:
        from micropython import heap_lock, heap_unlock
    except ImportError:
        skip("CPython has no heap_lock")
    if backends()["blake2b"] != "c":
        skip("the pure hash computes in a list of integers")
    return heap_lock, heap_unlock


class Answer:
    """An answer about one key, in a buffer as it comes off a stream."""

    def __init__(self, trie, key, value):
        nodes = trie.path(key)
        self.count = len(nodes)
        self.buf = memoryview(bytearray(b"?" + b"".join(nodes) + (value or b"")))
        self.key = key
        self.value = value

    def check(self, verifier):
        at = 1
        for _ in range(self.count):
            verifier.node(self.buf, at)
            at += 64
        if self.value is not None:
            verifier.entry(self.key, len(self.value))
            verifier.value(self.buf, at, at + len(self.value))


def test_a_proof_is_checked_without_the_heap():
    heap_lock, heap_unlock = locked()
    trie = Trie(STATE)
    root = trie.root()
    verifier = KeyVerifier()
    answers = [Answer(trie, key, value) for key, value in STATE[:8]] + [Answer(trie, b"\xfe" * 31, None)]
    for answer in answers:
        for _ in range(ROUNDS):
            verifier.begin(root, answer.key, answer.key)
            heap_lock()
            try:
                answer.check(verifier)
            finally:
                heap_unlock()
            assert verifier.finish() == answer.key
