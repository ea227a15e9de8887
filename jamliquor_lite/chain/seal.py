"""Both VRF signatures of a header: who may seal this slot, and the entropy it adds (GP 0.7.2, 6.15 to 6.22)."""

from ..const import const
from ..crypto.suite import blake2b_into
from ..errors import VerifyError
from ..ports.memory import copy, same

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .epoch import Epoch
    from .header import Header

_HASH = const(32)
_TICKET_SEAL = b"jam_ticket_seal"
_FALLBACK_SEAL = b"jam_fallback_seal"
_ENTROPY = b"jam_entropy"
_STRUCK_OUT = bytes(32)


class Seals:
    """Checks the seals of headers, one at a time, in buffers that are made once. `key` is the last author's."""

    def __init__(self) -> None:
        self.key = bytearray(_HASH)
        self._by_ticket = bytearray(_TICKET_SEAL + bytes(_HASH + 1))  # VRF inputs: eta_3 and the attempt,
        self._by_key = bytearray(_FALLBACK_SEAL + bytes(_HASH))  # eta_3,
        self._for_entropy = bytearray(_ENTROPY + bytes(_HASH))  # and the seal's output
        self._ticket = bytearray(_HASH + 1)  # id, attempt
        self._output = bytearray(_HASH)
        self._mix = bytearray(2 * _HASH)  # eta_0 before this header, and the output that goes into it
        self._fresh = memoryview(self._mix)[_HASH:]

    def check(self, header: "Header", epoch: "Epoch", parent_entropy: bytearray,
              out: "bytearray | memoryview") -> None:
        """Check author, seal and entropy signature; eta_0 after this header goes into the 32 bytes of `out`.

        Cheap checks come first, so that a forged header costs one VRF check at most before it is refused.
        Raises VerifyError with rule author, offender, ticket, fallback, seal or entropy.
        """
        spec, key, output = header.spec, self.key, self._output
        phase = spec.phase(header.slot)
        if header.author >= spec.validators:
            raise VerifyError("author", "author %d of slot %d, validators are 0 to %d" % (
                header.author, header.slot, spec.validators - 1))
        epoch.key_into(header.author, key)
        if key == _STRUCK_OUT:
            raise VerifyError("offender", "author %d of slot %d was struck out" % (header.author, header.slot))
        if epoch.tickets is None:
            epoch.fallback_into(phase, output, self._mix)
            if output != key:
                raise VerifyError("fallback", "slot %d is not author %d's" % (header.slot, header.author))
            data = self._by_key
            copy(data, len(_FALLBACK_SEAL), epoch.entropy[2], 0, _HASH)
        else:
            epoch.ticket_into(phase, self._ticket)
            data = self._by_ticket
            copy(data, len(_TICKET_SEAL), epoch.entropy[2], 0, _HASH)
            data[len(_TICKET_SEAL) + _HASH] = self._ticket[_HASH]
        if not header.seal_holds(output, key, data):
            raise VerifyError("seal", "seal of slot %d does not verify under author %d's key" % (
                header.slot, header.author))
        if epoch.tickets is not None and not same(self._ticket, 0, output, 0, _HASH):
            raise VerifyError("ticket", "seal of slot %d is not that of the slot's ticket" % header.slot)
        copy(self._for_entropy, len(_ENTROPY), output, 0, _HASH)
        if not header.entropy_holds(self._fresh, key, self._for_entropy):
            raise VerifyError("entropy", "entropy signature of slot %d does not verify" % header.slot)
        copy(self._mix, 0, parent_entropy, 0, _HASH)
        blake2b_into(out, self._mix, 0, 2 * _HASH)
