"""Warp sync: from a trusted start to the newest epoch, one set-change block after another (jam-np pull request 6).

Fragment s is the header of the block that ends set s, the first one of an epoch, and its justification by set s. So
its epoch mark is as true as that set is honest: the set that its parent's mark named votes next, and the keys that it
names itself come after that. Sets are counted by blocks with an epoch mark: an epoch without a block has none.

    want()     -> the set id to ask for
    feed(…)    -> bytes taken: header bytes, or one signature; VerifyError at the first byte or vote that is wrong
    is_done    a fragment is complete and good: `progress` stands behind it. `begin` for the next one.

What a fragment does not say is which tickets seal the epoch that it opens: they were marked in the last slots of the
epoch before. `Tail` finds them in the headers above the last fragment's, whose hashes lead up to it, and `checkpoint`
then has all that a node follows from. At full spec that is 50 KB; the same in the state, C(4), is 383 KB.
"""

from ..chain.checkpoint import Checkpoint
from ..chain.justification import Justification
from ..chain.mark_walk import KeysInMemory, MarkWalk, entropy_after
from ..const import const
from ..errors import VerifyError
from .warp_progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from ..chain.header import Header
    from ..chain.mark_walk import KeysSink
    from ..codec.spec import Spec

    Buffer = bytes | bytearray | memoryview

_HASH = const(32)
_HEAD_BYTES = const(100)
_KEY_PAIR = const(64)
_BESIDE_VOTES = const(83)  # of a justification: start 80, two naturals of 2 bytes and 1
_PRECOMMIT = const(164)


class Warp:
    """One for a whole warp: its memory is the same over any number of fragments.

    `votes` counts the signatures that were checked, `evidence` has (set id, voter, vote, other vote) of members that
    voted for two blocks, as many as the profile keeps. After VerifyError or BudgetError `begin` starts the same
    fragment again, from another peer.
    """

    def __init__(self, spec: "Spec", profile: "Profile", progress: Progress, sink: "KeysSink | None" = None) -> None:
        self.progress = progress
        self.votes = 0
        self.evidence: "list[tuple[int, int, bytes, bytes]]" = []
        self._spec = spec
        self._sink: "KeysSink" = sink or KeysInMemory(spec)
        self._walk = MarkWalk(spec, self._sink)
        self._justification = Justification(spec, profile)
        self._evidence_most = profile.equivocations
        self.begin()

    def want(self) -> int:
        """The set whose fragment comes next."""
        return self.progress.set_id

    def begin(self) -> None:
        """A fragment comes, from its first byte on."""
        self._walk.begin()
        self._is_header = True
        self.is_done = False

    def feed(self, buf: "Buffer", start: int, end: int) -> int:
        """Take some of buf[start:end] and check one signature at most; how many bytes were taken: of some, none only
        when the fragment is done."""
        if self.is_done:
            return 0
        if self._is_header:
            return self._header(buf, start, end)
        votes = self._justification
        before = votes.support
        taken = votes.feed(buf, start, end)
        self.votes += votes.support - before
        if votes.slot and votes.slot != self._walk.slot:
            raise VerifyError("target", "justification: its votes name slot %d, the header is of slot %d"
                              % (votes.slot, self._walk.slot))
        if votes.is_done:
            self._advance()
        return taken

    def _header(self, buf: "Buffer", start: int, end: int) -> int:
        walk, progress, spec = self._walk, self.progress, self._spec
        had_slot, had_entropies = walk.size >= _HEAD_BYTES, walk.has_entropies
        taken = walk.feed(buf, start, end)
        if walk.size >= _HEAD_BYTES and not had_slot and spec.epoch(walk.slot) <= spec.epoch(progress.slot):
            raise VerifyError("slot", "a set-change block of slot %d follows slot %d, whose epoch it does not end"
                              % (walk.slot, progress.slot))
        # What is behind the start is one chain, whoever votes: its entropies are known.
        if walk.has_entropies and not had_entropies and walk.entropies[_HASH:] != progress.entropy[0]:
            raise VerifyError("mark_entropy", "the epoch mark of slot %d has an entropy that is not ours" % walk.slot)
        if walk.is_done:
            self._justification.begin(progress.keys, progress.set_id, walk.digest)
            self._is_header = False
        return taken

    def _advance(self) -> None:
        walk, votes, before = self._walk, self._justification, self.progress
        for voter, one, other in votes.evidence:
            if len(self.evidence) < self._evidence_most:
                self.evidence.append((before.set_id, voter, one, other))
        self.progress = Progress(
            before.genesis_hash, before.origin, before.set_id + 1, walk.digest, walk.slot, before.next_keys,
            self._sink.keep(), [bytes(walk.entropies[:_HASH]), before.entropy[0], before.entropy[1]],
            votes.state_root, bytes(walk.head[:_HASH]), walk.author, bytes(walk.seal),
            walk.entropy_signature, before.fragments + 1)
        self.is_done = True


class Tail:
    """The tickets mark of the epoch that a set-change block ends, from the block's ancestors: `add` them, youngest
    first, until `is_done`. Then `tickets` are E x 33 bytes, or None where keys seal the new epoch.

    `want` is the hash of the header that comes next, `most` how many can be needed. VerifyError("parent") for another
    header."""

    def __init__(self, spec: "Spec", progress: Progress) -> None:
        self._spec = spec
        self._epoch = spec.epoch(progress.slot) - 1
        self.most = spec.epoch_length - spec.tickets_end + 1
        self.want = progress.parent
        self.tickets: "bytes | None" = None
        self.is_done = False

    def add(self, header: "Header") -> None:
        """The next one."""
        spec = self._spec
        if header.hash != self.want:
            raise VerifyError("parent", "a header of slot %d that is not the parent of the one before" % header.slot)
        if spec.epoch(header.slot) == self._epoch and header.tickets_mark:
            self.tickets = header.tickets
            self.is_done = True
        elif spec.epoch(header.slot) != self._epoch or spec.phase(header.slot) < spec.tickets_end:
            self.is_done = True  # before the tickets were settled, or an epoch was skipped: keys seal (GP 0.7.2, 6.24)
        self.want = header.parent


def checkpoint(spec: "Spec", progress: Progress, tickets: "bytes | None", grandpa_format: "str | None",
               clock_chain: bool) -> Checkpoint:
    """The checkpoint at the last set-change block, of the tickets that seal its epoch (None: keys do). VerifyError
    ("entropy") where that block's entropy signature does not hold."""
    author = bytearray(_HASH)
    if not progress.fragments or progress.author >= spec.validators:
        raise VerifyError("author", "author %d of slot %d, validators are 0 to %d"
                          % (progress.author, progress.slot, spec.validators - 1))
    progress.keys.read_into(progress.author * _KEY_PAIR, author, 0, _HASH)
    fresh = entropy_after(progress.entropy[0], author, progress.seal, progress.entropy_signature)
    return Checkpoint(
        progress.genesis_hash, spec, progress.header_hash, progress.slot, [fresh] + progress.entropy, progress.keys,
        progress.next_keys, tickets, grandpa_set_id=progress.set_id, grandpa_format=grandpa_format,
        clock_chain=clock_chain)


def fragment_bytes(spec: "Spec") -> int:
    """The least that a fragment has: a header with an epoch mark and no offenders, and the votes that are needed."""
    return spec.plain_header_size + spec.epoch_mark_size + _BESIDE_VOTES + (2 * spec.validators // 3 + 1) * _PRECOMMIT
