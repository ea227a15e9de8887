"""The native module `jamvrf` (tools/natmod), for a firmware that others built: seals and SHA-512 under the names of the
pure twins."""

import jamvrf

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview


class Sha512:
    label = "natmod"

    @staticmethod
    def sha512(data: "Buffer") -> bytes:
        digest = bytearray(64)
        jamvrf.sha512(digest, data)
        return bytes(digest)


class Check:
    """Additional data in pieces: `update(aux)`, then `finish()`."""

    def __init__(self, public: bytes, data: bytes, proof: bytes) -> None:
        self._state = bytearray(jamvrf.vrf_check_bytes())
        sound = len(public) == 32 and len(proof) == 96
        self._holds = sound and jamvrf.vrf_check_start(self._state, public, data, proof)

    def update(self, aux: "Buffer") -> None:
        if self._holds:
            jamvrf.vrf_check_update(self._state, aux)

    def finish(self) -> "bytes | None":
        output = bytearray(32)
        return bytes(output) if self._holds and jamvrf.vrf_check_finish(self._state, output) else None


class Vrf:
    """Checks proofs and makes none."""

    label = "natmod"
    trusts_key = False
    Check = Check

    @staticmethod
    def verify(public: bytes, data: bytes, aux: bytes, proof: bytes) -> "bytes | None":
        output = bytearray(32)
        return bytes(output) if jamvrf.vrf_verify(public, data, aux, proof, output) else None


NATIVES = {"sha512": Sha512, "vrf": Vrf}
