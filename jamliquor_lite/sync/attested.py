"""Choosing a checkpoint among what pinned peers attest: n of m must name the same block.

The m peers are those that the user named, each by its key; what anybody else says is not heard. n is more than half
of m, so that two blocks of one epoch can never both be chosen, and at least 2 of 3, so that no single peer decides.
Agreement chooses and does nothing more: it is part of no level (DESIGN §7), and what was chosen has to be proved.

Each peer names the blocks that opened the newest epochs (jam/attestation.py). Chosen is the newest one that n of them
name, with the same content. Who names another one for that epoch is outvoted. Peers who name different blocks for any
epoch disagree: that is an alarm, whether or not enough of them agree, and every one of them is named with what it said.
"""

from ..const import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..codec.spec import Spec
    from ..jam.attestation import Entry

LEAST_NEEDED = 2
LEAST_PEERS = 3
MOST_PEERS = 64  # each is dialed at once
_SHOWN = const(16)  # characters of a peer's name: they begin alike


def policy(text: str) -> "tuple[int, int] | None":
    """(n, m) of `n/m`; None where it is none: 2 <= n <= m, 3 <= m <= 64, n more than half of m."""
    parts = text.split("/")
    if len(parts) != 2:
        return None
    for part in parts:
        if not 1 <= len(part) <= 2 or not all("0" <= digit <= "9" for digit in part):
            return None
    needed, of = int(parts[0]), int(parts[1])
    if not LEAST_PEERS <= of <= MOST_PEERS or not LEAST_NEEDED <= needed <= of or 2 * needed <= of:
        return None
    return needed, of


class Verdict:
    """What came of it. `entry` is the block that was chosen, None where too few agree; `agreed` are those who name it,
    `outvoted` (name, entry) those who name another one for its epoch. `disputes` has for each epoch about which peers
    disagree (epoch, [(name, entry)]), the newest first; `silent` (name, why) of those who said nothing that counts."""

    def __init__(self, needed: int, of: int) -> None:
        self.needed = needed
        self.of = of
        self.entry: "Entry | None" = None
        self.level = 0  # that so many as are needed give it
        self.agreed: "list[str]" = []
        self.outvoted: "list[tuple[str, Entry]]" = []
        self.disputes: "list[tuple[int, list[tuple[str, Entry]]]]" = []
        self.silent: "list[tuple[str, str]]" = []

    @property
    def word(self) -> str:
        """`2/3`: so many of the pinned peers attest what was chosen; "" where nothing was."""
        return "%d/%d" % (len(self.agreed), self.of) if self.entry is not None else ""

    def alarms(self) -> "list[str]":
        """A line for every epoch about which peers disagree: who said what."""
        lines = []
        for epoch, said in self.disputes:
            text = "; ".join(["%s says %s" % (short(name), describe(entry)) for name, entry in said])
            lines.append("pinned peers disagree about the block that opened epoch %d: %s" % (epoch, text))
        return lines

    def reasons(self) -> str:
        """Why too few agree, or who said nothing, as one line; "" where there is nothing to say."""
        return "; ".join(["%s: %s" % (short(name), why) for name, why in self.silent])


def short(name: str) -> str:
    """A peer's name as lines show it."""
    return name if len(name) <= _SHOWN else name[:_SHOWN] + "…"


def describe(entry: "Entry") -> str:
    """A block that is attested, as lines show it."""
    return "slot %d %s… (content %s…)" % (entry.slot, _hex(entry.header_hash[:8]), _hex(entry.digest[:4]))


def _hex(data: bytes) -> str:
    return "".join(["%02x" % byte for byte in data])


class Witnesses:
    """Hears the pinned peers `names`, of which `needed` must agree. Slots before `earliest` are too old to count, and
    after `latest` have not come (-1: the time is not known)."""

    def __init__(self, needed: int, names: "list[str]", spec: "Spec", earliest: int = 0, latest: int = -1) -> None:
        self.needed = needed
        self.names = list(names)
        self._spec = spec
        self._earliest = earliest
        self._latest = latest
        self._said: "dict[str, list[Entry]]" = {}
        self._silent: "dict[str, str]" = {}

    @property
    def missing(self) -> "list[str]":
        """Those who have not been heard yet."""
        return [name for name in self.names if name not in self._said and name not in self._silent]

    def heard(self, name: str, entries: "list[Entry]") -> None:
        """This peer attests these blocks, the newest first; its signature has been checked. Nothing for who is not
        pinned, or was heard before."""
        if name not in self.missing:
            return
        epochs = [self._spec.epoch(entry.slot) for entry in entries]
        if len(set(epochs)) != len(epochs):
            self._silent[name] = "names two blocks for one epoch"
        elif entries and 0 <= self._latest < entries[0].slot:
            self._silent[name] = "names slot %d, which has not come" % entries[0].slot
        elif not entries:
            self._silent[name] = "has seen no epoch begin"
        else:
            recent = [entry for entry in entries if entry.slot >= self._earliest]
            if recent:
                self._said[name] = recent
            else:
                self._silent[name] = "names nothing newer than slot %d, which is too old" % entries[0].slot

    def fails(self, name: str, why: str) -> None:
        """Nothing can be had of this peer."""
        if name in self.missing:
            self._silent[name] = why

    def decide(self) -> Verdict:
        """The verdict on what was heard up to now; the order in which it came makes no difference."""
        verdict = Verdict(self.needed, len(self.names))
        by_epoch: "dict[int, list[tuple[str, Entry]]]" = {}
        for name in self.names:
            for entry in self._said.get(name, []):
                by_epoch.setdefault(self._spec.epoch(entry.slot), []).append((name, entry))
        for epoch in sorted(by_epoch, reverse=True):
            said = by_epoch[epoch]
            first = said[0][1]
            if any(not _same(entry, first) for _, entry in said):
                verdict.disputes.append((epoch, said))
            if verdict.entry is None:
                self._choose(verdict, said)
        for name in self.names:
            if name not in self._said:
                verdict.silent.append((name, self._silent.get(name, "said nothing")))
        return verdict

    def _choose(self, verdict: Verdict, said: "list[tuple[str, Entry]]") -> None:
        for _, entry in said:
            agreed = [(name, other) for name, other in said if _same(entry, other)]
            if len(agreed) >= self.needed:
                verdict.entry = entry
                verdict.agreed = [name for name, _ in agreed]
                verdict.level = sorted([other.level for _, other in agreed], reverse=True)[self.needed - 1]
                verdict.outvoted = [(name, other) for name, other in said if not _same(entry, other)]
                return


def _same(one: "Entry", other: "Entry") -> bool:
    return one.slot == other.slot and one.header_hash == other.header_hash and one.digest == other.digest
