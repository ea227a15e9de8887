"""The steps whose heap is measured. Runs on MicroPython, frozen; board.py starts it.

    micropython -X heapsize=56K -m measure STEP …

    imports MODULE…     what each module takes, in this order, and all together
    call PRIMITIVE      what one call each of a pure primitive needs beside the modules: it ends well or runs out

A step prints `name number` lines, in bytes, and ends with status 0 when all went well.
"""

import gc
import sys

PACKAGE = "jamliquor_lite."
SEED = bytes(range(32))


def used() -> int:
    """Bytes of heap in use once the garbage is gone."""
    gc.collect()
    return gc.mem_alloc()


def imports(names: "tuple[str, ...]") -> None:
    """Import one module after the other, and print by how much the heap grew."""
    first = used()
    for name in names:
        before = used()
        __import__(PACKAGE + name)
        print(name, used() - before)
    print("all", used() - first)
    print("free", gc.mem_free())


def call(primitive: str) -> None:
    """Use one primitive of the suite as a handshake does."""
    from jamliquor_lite.crypto import suite

    before = used()
    if primitive == "x25519":
        kept = suite.x25519(SEED, suite.x25519_public(SEED))
    elif primitive == "ed25519":
        public = suite.ed25519_public(SEED)
        kept = suite.ed25519_sign(SEED, SEED)
        assert suite.ed25519_verify(public, kept, SEED)
    elif primitive == "aead":
        cipher = kept = suite.Aead(SEED)
        buf = bytearray(1024)
        size = cipher.seal(0, b"", buf, 0, 1000, buf, 0)
        assert cipher.open(0, b"", buf, 0, size, buf, 0) == 1000
    elif primitive == "mlkem768":
        public, kept = suite.mlkem768_keypair(SEED + SEED)
        ciphertext, shared = suite.mlkem768_encapsulate(public, SEED)
        assert suite.mlkem768_decapsulate(kept, ciphertext) == shared
        del public, ciphertext
    elif primitive == "blake2b":
        kept = suite.blake2b_256(SEED)
    else:
        raise ValueError("no primitive " + primitive)
    print(primitive, used() - before)


def main(step: str, *words: str) -> None:
    """Run one step."""
    if step == "imports":
        imports(words)
    elif step == "call":
        call(*words)
    else:
        raise ValueError("no step " + step)


if __name__ == "__main__":
    main(*sys.argv[1:])
