# portable: runs on CPython and MicroPython
"""What checking a header takes of the heap, garbage included, where the cryptography is in C.

Not nothing: the fields that are hashed and compared are copied, a few dozen bytes each. Of all that, a row of the tree
stays, and the tree was made at the beginning: once the garbage is gone, not a byte is left of a header without marks.
"""

import gc

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.header import Header
from jamliquor_lite.chain.light import ADDED, LightChain
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.crypto.suite import backends
from tests.data import Carried
from tests.support import skip

PLAIN_BYTES = 4_608  # the bar for a header without marks; measured are 2,912 to 4,368 on 32 bits
LOADED = 6  # headers after which everything is loaded


def need_counts():
    """MicroPython counts what it allocates, and the pure curve takes all that there is."""
    if not hasattr(gc, "mem_alloc"):
        skip("CPython does not count the bytes that it allocates")
    if backends()["vrf"] != "c":
        skip("the pure curve computes in big integers")


def test_a_header_takes_little_and_leaves_nothing():
    need_counts()
    profile = Profile()
    profile.tree_headers = 64
    profile.tree_marks = 8
    data = Carried()
    headers = data.headers
    chain = LightChain(data.checkpoint(), profile)
    data = None
    taken = []
    left = []
    for number in range(len(headers)):
        header = Header(TINY, headers[number])
        is_plain = not header.epoch_mark and not header.tickets_mark
        gc.collect()
        gc.disable()
        try:
            before = gc.mem_alloc()
            header = Header(TINY, headers[number], 0, len(headers[number]))
            chain.add(header)
            used = gc.mem_alloc() - before
        finally:
            gc.enable()
        assert chain.outcome == ADDED
        header = None
        gc.collect()
        if is_plain and number >= LOADED:
            taken.append(used)
            left.append(gc.mem_alloc() - before)
    print("bytes of heap for a plain header: %d to %d, left of it: %d to %d" % (
        min(taken), max(taken), min(left), max(left)))
    assert len(taken) > 25 and max(taken) <= PLAIN_BYTES
    assert max(left) <= 0, left
