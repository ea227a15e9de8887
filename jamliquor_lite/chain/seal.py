"""Both VRF signatures of a header: who may seal this slot, and the entropy it adds (GP 0.7.2, 6.15 to 6.22)."""

from ..crypto.suite import blake2b_256, vrf_verify
from ..errors import VerifyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .epoch import Epoch
    from .header import Header

_TICKET_SEAL = b"jam_ticket_seal"
_FALLBACK_SEAL = b"jam_fallback_seal"
_ENTROPY = b"jam_entropy"
_STRUCK_OUT = bytes(32)


def check_seal(header: "Header", epoch: "Epoch", parent_entropy: bytes) -> bytes:
    """Check author, seal and entropy signature; return eta_0 after this header (32 bytes).

    Cheap checks come first, so that a forged header costs one VRF check at most before it is refused.
    Raises VerifyError with rule author, offender, ticket, fallback, seal or entropy.
    """
    spec = header.spec
    phase = spec.phase(header.slot)
    if header.author >= spec.validators:
        raise VerifyError("author", "author %d of slot %d, validators are 0 to %d" % (
            header.author, header.slot, spec.validators - 1))
    key = epoch.key(header.author)
    if key == _STRUCK_OUT:
        raise VerifyError("offender", "author %d of slot %d was struck out" % (header.author, header.slot))
    if epoch.tickets is None:
        if epoch.fallback_key(phase) != key:
            raise VerifyError("fallback", "slot %d is not author %d's" % (header.slot, header.author))
        data = _FALLBACK_SEAL + epoch.entropy[2]
    else:
        data = _TICKET_SEAL + epoch.entropy[2] + bytes([epoch.ticket_attempt(phase)])
    if header.stored:
        output = header.seal_output(key, data)  # type: ignore[attr-defined]
    else:
        output = vrf_verify(key, data, header.unsigned, header.seal)
    if output is None:
        raise VerifyError("seal", "seal of slot %d does not verify under author %d's key" % (
            header.slot, header.author))
    if epoch.tickets is not None and output != epoch.ticket_id(phase):
        raise VerifyError("ticket", "seal of slot %d is not that of the slot's ticket" % header.slot)
    fresh = vrf_verify(key, _ENTROPY + output, b"", header.entropy_signature)
    if fresh is None:
        raise VerifyError("entropy", "entropy signature of slot %d does not verify" % header.slot)
    return blake2b_256(parent_entropy + fresh)
