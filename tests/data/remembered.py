"""Pure Python takes 20 ms and more for a proof, and many tests check the same ones. Runs on both interpreters."""

import gc

from jamliquor_lite.chain import header


class Proofs:
    """In place of `vrf_verify_into`: really checks what it is asked the first time. `asked` counts every question."""

    def __init__(self):
        self.verify = header.vrf_verify_into
        self.known = {}
        self.asked = 0

    def __call__(self, out, key, data, buf, start, end, at):
        self.asked += 1
        asked = (bytes(key), bytes(data), bytes(buf[start:end]), bytes(buf[at : at + 96]))
        if asked not in self.known:
            holds = self.verify(out, key, data, buf, start, end, at)
            # MicroPython moves nothing: what stays must not lie among what a proof leaves behind, or no room is left
            # between for an answer of 26 KB. So clear up, and keep a copy.
            gc.collect()
            self.known[asked] = bytes(out) if holds else None
        if self.known[asked] is None:
            return False
        out[:] = self.known[asked]
        return True


PROOFS = Proofs()


def remembering(run):
    """The result of `run()` with proofs remembered; the real check is put back whatever becomes of it."""
    header.vrf_verify_into = PROOFS
    try:
        return run()
    finally:
        header.vrf_verify_into = PROOFS.verify
