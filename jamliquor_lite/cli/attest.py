"""A checkpoint that pinned peers agree on (sync/attested.py): `--attest N/M`, and what is said where they disagree."""

import json
import os

from ..chain import slots
from ..chain.levels import NAMES
from ..errors import LocalError
from ..node.attesting import Attesting
from ..ports import clock
from ..sync.attested import Witnesses, describe, short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..chain.checkpoint import Checkpoint
    from ..node.attesting import Attestation
    from ..node.carrier import Carrier
    from ..node.mode import Mode
    from ..node.peers import Record
    from ..sync.attested import Verdict
    from .output import Output
    from .settings import Settings

EVIDENCE_FILE = "disagreement.json"


async def choose(settings: "Settings", genesis: "Checkpoint", carriers: "list[Carrier]", records: "list[Record]",
                 mode: "Mode", any_age: bool, out: "Output", folder: str) -> "Verdict":
    """Ask the pinned peers among `records`; the verdict, with an entry. Disagreement is an alarm, and what the peers
    signed is kept in `folder` then ("": nowhere). LocalError where too few agree."""
    assert settings.attest is not None
    names = settings.pinned()
    latest, earliest = -1, 0
    now_slot = slots.UNKNOWN if genesis.clock_chain else slots.slot_at(clock.wall_seconds(), genesis.spec)
    if now_slot != slots.UNKNOWN:
        latest = now_slot + 1
        if not any_age:
            earliest = max(0, now_slot - slots.MAX_AGE_SECONDS // genesis.spec.slot_seconds)
    witnesses = Witnesses(settings.attest[0], names, genesis.spec, earliest, latest)
    attesting = Attesting(carriers, genesis.genesis_hash, settings.profile, mode.keep_ahead)
    await attesting.run([record for record in records if record.name in names], witnesses)
    verdict = witnesses.decide()
    _say(verdict, attesting, genesis.genesis_hash, out, folder)
    if verdict.entry is None:
        raise LocalError("no checkpoint: fewer than %d of %d pinned peers attest the same block%s" % (
            verdict.needed, verdict.of,
            "".join(["; " + text for text in (*verdict.alarms(), verdict.reasons()) if text])))
    return verdict


def _say(verdict: "Verdict", attesting: Attesting, genesis_hash: bytes, out: "Output", folder: str) -> None:
    alarms = verdict.alarms()
    if alarms and folder:
        path = os.path.join(folder, EVIDENCE_FILE)
        keep(path, genesis_hash, attesting.said)
        alarms[-1] += "; what they signed is in %s" % path
    for line, (epoch, said) in zip(alarms, verdict.disputes):
        out.event("alarm", about="attestation", epoch=epoch, reason=line, outvoted=[n for n, _ in verdict.outvoted],
                  said=[{"peer": name, "slot": entry.slot, "hash": entry.header_hash, "digest": entry.digest}
                        for name, entry in said])
        out.warn("alarm: " + line)
    for name, entry in verdict.outvoted:
        out.warn("alarm: %s is outvoted: it says %s" % (short(name), describe(entry)))
    if verdict.entry is None:
        return
    if verdict.reasons():
        out.warn("pinned peers that attest nothing: " + verdict.reasons())
    entry = verdict.entry
    out.event("attested", slot=entry.slot, hash=entry.header_hash, level=NAMES[verdict.level], attested=verdict.word,
              agreed=verdict.agreed, outvoted=[name for name, _ in verdict.outvoted])
    out.line("checkpoint: %s, %s, attested %s by %s" % (
        describe(entry), NAMES[verdict.level], verdict.word, ", ".join([short(name) for name in verdict.agreed])))


def keep(path: str, genesis_hash: bytes, said: "dict[str, Attestation]") -> None:
    """Write what peers signed, so that it can be checked by anybody later (`checkpoint verify`). The newest
    disagreement takes the place of the one before."""
    found = {"jamliquor": "attestations", "genesis": genesis_hash.hex(), "said": [
        {"peer": name, "ed25519": one.key.hex(), "challenge": one.challenge.hex(), "answer": one.content.hex()}
        for name, one in sorted(said.items())]}
    partial = path + ".partial"
    try:
        with open(partial, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=1)
            file.write("\n")
        os.replace(partial, path)
    except OSError as error:
        raise LocalError("cannot write %s: %s" % (path, error.strerror)) from None
