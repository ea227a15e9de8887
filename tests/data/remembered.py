"""Pure Python takes 20 ms and more for a proof, and many tests check the same ones. Runs on both interpreters."""

import gc

from jamliquor_lite.chain import seal


class Proofs:
    """In place of `vrf_verify`: really checks what it is asked the first time. `asked` counts every question."""

    def __init__(self):
        self.verify = seal.vrf_verify
        self.known = {}
        self.asked = 0

    def __call__(self, key, data, message, proof):
        self.asked += 1
        asked = (key, data, message, proof)
        if asked not in self.known:
            output = self.verify(key, data, message, proof)
            # MicroPython moves nothing: what stays must not lie among what a proof leaves behind, or no room is left
            # between for an answer of 26 KB. So clear up, and keep a copy.
            gc.collect()
            self.known[asked] = None if output is None else bytes(memoryview(output))
        return self.known[asked]


PROOFS = Proofs()


def remembering(run):
    """The result of `run()` with proofs remembered; the real check is put back whatever becomes of it."""
    seal.vrf_verify = PROOFS
    try:
        return run()
    finally:
        seal.vrf_verify = PROOFS.verify
