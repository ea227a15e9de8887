"""What the blocks of the devnet carry: tickets, a preimage now and then, assurances, and disputes with an offender.

Disputes, assurances and preimages are valid by the Gray Paper, signatures included. Ticket proofs are filler of the
right size (safrole.Contest says why).
"""

from ..codec.spec import Spec
from ..crypto.suite import blake2b_256
from .build import TICKET_PROOF_SIZE, Body
from .keys import Validator, ValidatorSet
from .safrole import Ticket
from .service import expand
from .state import State

_AVAILABLE = b"jam_available"
_VALID = b"jam_valid"
_INVALID = b"jam_invalid"
_MAX_ASSURANCES = 12  # a block; a real one has up to V


def add_tickets(body: Body, tickets: "list[Ticket]") -> None:
    """Put tickets, sorted by id, into the body: 785 bytes each."""
    for ticket in tickets:
        body.tickets.append(bytes([ticket.attempt]) + expand(ticket.id, TICKET_PROOF_SIZE))


def add_assurances(body: Body, spec: Spec, parent: bytes, active: ValidatorSet, slot: int) -> "list[int]":
    """Put in a number of assurances that varies with the slot; nothing waits on any core, so no bit is set.

    Returns the indices of the assurers.
    """
    bits = bytes((spec.cores + 7) // 8)
    message = _AVAILABLE + blake2b_256(parent + bits)
    present = [i for i, member in enumerate(active.members) if member is not None]
    count = min(slot % (_MAX_ASSURANCES + 1), len(present))
    assurers = sorted(present[(slot + i) % len(present)] for i in range(count))
    for index in assurers:
        member = active.members[index]
        assert member is not None
        body.assurances.append(parent + bits + index.to_bytes(2, "little") + member.sign(message))
    return assurers


def _candidate(state: State) -> "Validator | None":
    # Someone of the present or the last set who is staged for a coming one: striking him out will show in a mark.
    known = {m.index: m for m in (*state.active.members, *state.previous.members) if m is not None}
    for member in state.staging.members:
        if member is not None and member.index in known and member.ed25519 not in state.offenders:
            return member
    return None


def add_offence(body: Body, state: State, epoch: int) -> "tuple[Validator, bytes] | None":
    """Put in a verdict that a report is good, with the fault of one validator who had judged it bad.

    `state` is the state before the block, `epoch` its epoch. Returns the offender and the report's hash, or None
    where nobody fits.
    """
    offender = _candidate(state)
    judges = [(i, m) for i, m in enumerate(state.active.members) if m is not None and m is not offender]
    needed = 2 * len(state.active) // 3 + 1
    if offender is None or len(judges) < needed:
        return None
    report = blake2b_256(b"report" + offender.ed25519)
    votes = b"".join(b"\1" + i.to_bytes(2, "little") + m.sign(_VALID + report) for i, m in judges[:needed])
    body.verdicts.append(report + epoch.to_bytes(4, "little") + votes)
    body.faults.append(report + b"\0" + offender.ed25519 + offender.sign(_INVALID + report))
    return offender, report
