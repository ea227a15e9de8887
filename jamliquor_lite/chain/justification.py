"""GRANDPA justifications, checked while they stream in: the draft called `jamnp-pr6-737b8ae`, after its pull request
and commit in the repository of JAMNP-S (simple.md, "Grandpa").

    round 8 | set id 4 | vote 68 | natural n, n x (vote 68 | signature 64 | Ed25519 key 32) | natural m, m x header

A vote is `header hash 32 | posterior state root 32 | slot 4`; a signature is over "jam_grandpa_vote", a byte 1 for a
precommit, the vote, the round and the set id. Integers are little-endian. At full spec that is 112 KB, and nothing of
it is kept but who voted, so a board checks it from a buffer of a page.

The voters are the validators of an epoch, and more than 2/3 of them all must vote, whatever became of some: a key of
zeros, which an offender is left with in an epoch mark, is a point of small order, for which everybody can sign, so it
is no voter. Each vote must be for the target or for a descendant of it, whose headers come last. A member that voted
for two blocks is evidence and counts once; a vote that stands there twice is counted and passed over.
"""

from ..codec.natural import NaturalReader
from ..const import const
from ..crypto.suite import ed25519_verify
from ..errors import BudgetError, VerifyError
from ..ports.memory import copy, find, same
from .epoch import UNKNOWN_SET
from .header_walk import HeaderWalk
from .sets import CHUNK_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from ..codec.spec import Spec
    from .sets import Set

    Buffer = bytes | bytearray | memoryview

VOTE_BYTES = const(68)
PRECOMMIT_BYTES = const(164)

_MESSAGE = b"jam_grandpa_vote\x01"  # what a signed precommit begins with
_MESSAGE_BYTES = const(97)
_HASH = const(32)
_SLOT_AT = const(64)  # in a vote
_KEY_AT = const(132)  # in a signed precommit
_START_BYTES = const(80)
_SET_ID_AT = const(8)
_TARGET_AT = const(12)
_KEY_PAIR = const(64)  # of a validator set: Bandersnatch, Ed25519
_TAG = const(2)
_TARGETS = const(254)  # a voter's choice is a byte
_NOBODY = bytes(_HASH)
# Parts of a justification.
_START = const(0)
_VOTES = const(1)
_VOTE = const(2)
_HEADERS = const(3)
_HEADER = const(4)
_DONE = const(5)
# What a voter chose: nothing yet, the target, or, from here on, a row of `_others`.
_ABSENT = const(0)
_TARGET = const(1)
_OTHERS = const(2)


def _refused(rule: str, message: str) -> VerifyError:
    return VerifyError(rule, "justification: " + message)


def _u32(buf: "Buffer", at: int) -> int:
    return buf[at] | buf[at + 1] << 8 | buf[at + 2] << 16 | buf[at + 3] << 24


def needed(validators: int) -> int:
    """Votes that are more than 2/3 of so many validators."""
    return 2 * validators // 3 + 1


class Justification:
    """`begin` for one set of voters, then `feed` until `is_done`; then what it proves final is in `header_hash`,
    `state_root` and `slot`. One object checks one justification after another, in the memory it was made with.

    VerifyError names the rule that was broken: `codec`, `set_id`, `round`, `target`, `votes`, `voter`, `signature`,
    `ancestry`; BudgetError the bound of the profile that was reached. Then it is of no more use until `begin`.
    """

    def __init__(self, spec: "Spec", profile: "Profile") -> None:
        self._validators = count = spec.validators
        self._tags = bytearray(_TAG * count)  # the first bytes of each voter's key, to find it by
        self._chosen = bytearray(count)
        self._others = bytearray(min(profile.finality_targets, _TARGETS) * VOTE_BYTES)
        self._headers = bytearray(profile.finality_headers * 2 * _HASH)  # hash, parent
        self._header_slots = [0] * profile.finality_headers
        self._evidence_most = profile.equivocations
        self._record = bytearray(PRECOMMIT_BYTES)
        self._target = bytearray(VOTE_BYTES)
        self._message = bytearray(_MESSAGE_BYTES)
        copy(self._message, 0, _MESSAGE, 0, len(_MESSAGE))
        self._key = bytearray(_HASH)
        self._chunk = bytearray(CHUNK_BYTES)
        self._natural = NaturalReader()
        self._walk = HeaderWalk(spec)
        self._keys: "Set | None" = None
        self._part = -1

    def begin(self, keys: "Set", set_id: int, header_hash: "Buffer | None" = None) -> None:
        """Check one by the voters `keys`, V x (Bandersnatch 32, Ed25519 32), whose set has that id; where it is
        UNKNOWN_SET, they say which it is. With a hash given, one for another block is refused at its first bytes."""
        self._keys = keys
        self._wanted = header_hash
        self.set_id = set_id
        self.round = self.slot = 0
        self.support = 0  # distinct members whose votes were good
        self.duplicates = 0
        self.evidence: "list[tuple[int, bytes, bytes]]" = []  # voter, and the two votes that it signed in this round
        self._others_count = self._headers_count = self._left = 0
        for i in range(self._validators):
            self._chosen[i] = _ABSENT
        self._read_tags(keys)
        self._natural.reset()
        self._expect(_START, _START_BYTES)

    @property
    def is_done(self) -> bool:
        """All of it came, and it holds."""
        return self._part == _DONE

    @property
    def header_hash(self) -> bytes:
        """Of the block that is final."""
        return bytes(self._target[:_HASH])

    @property
    def state_root(self) -> bytes:
        """Of the state after that block."""
        return bytes(self._target[_HASH:_SLOT_AT])

    def feed(self, buf: "Buffer", start: int, end: int) -> int:
        """Take some of buf[start:end] and check one signature at most; how many bytes were taken: of some, none only
        when it is done."""
        at = start
        while at < end and self._part != _DONE:
            if self._part == _HEADER:
                at += self._walk.feed(buf, at, end)
                if self._walk.is_done:
                    self._header()
            elif self._part == _VOTES or self._part == _HEADERS:
                at += 1
                if self._natural.push(buf[at - 1]):
                    self._number(self._natural.value)
            else:
                count = min(self._need - self._have, end - at)
                copy(self._record, self._have, buf, at, at + count)
                self._have += count
                at += count
                if self._have == self._need:
                    if self._part == _VOTE:
                        self._vote()
                        break
                    self._started()
        return at - start

    def _expect(self, part: int, need: int = 0) -> None:
        self._part = part
        self._need = need
        self._have = 0

    def _started(self) -> None:
        record = self._record
        set_id = _u32(record, _SET_ID_AT)
        if self.set_id == UNKNOWN_SET:
            self.set_id = set_id  # it is what they signed
        elif set_id != self.set_id:
            raise _refused("set_id", "by set %d, where set %d votes" % (set_id, self.set_id))
        self.round = _u32(record, 0) | _u32(record, 4) << 32
        if not self.round and not set_id:
            raise _refused("round", "round 0 of set 0 is the genesis block's, and nobody votes in it")
        if self._wanted is not None and not same(record, _TARGET_AT, self._wanted, 0, _HASH):
            raise _refused("target", "for another block than was asked for")
        copy(self._target, 0, record, _TARGET_AT, _START_BYTES)
        self.slot = _u32(self._target, _SLOT_AT)
        copy(self._message, len(_MESSAGE) + VOTE_BYTES, record, 0, _TARGET_AT)
        self._expect(_VOTES)

    def _number(self, count: int) -> None:
        if self._part == _VOTES:
            least, most = needed(self._validators), 2 * self._validators
            if not least <= count <= most:
                raise _refused("votes", "%d votes; by %d validators there are %d to %d"
                               % (count, self._validators, least, most))
            self._left = count
            self._expect(_VOTE, PRECOMMIT_BYTES)
            return
        if count > len(self._header_slots):
            raise BudgetError("finality_headers", "a justification with %d headers; at most %d are taken"
                              % (count, len(self._header_slots)))
        self._left = count
        self._next_header()

    def _vote(self) -> None:
        record = self._record
        voter = self._find(record)
        if voter < 0:
            raise _refused("voter", "a vote by nobody of the set")
        choice = self._choice(record)
        before = self._chosen[voter]
        if choice == before:
            self.duplicates += 1
        else:
            copy(self._message, len(_MESSAGE), record, 0, VOTE_BYTES)
            view = memoryview(record)
            if not ed25519_verify(view[_KEY_AT:], view[VOTE_BYTES:_KEY_AT], self._message):
                raise _refused("signature", "validator %d did not sign that vote" % voter)
            if before == _ABSENT:
                self._chosen[voter] = choice
                self.support += 1
            elif len(self.evidence) < self._evidence_most:
                self.evidence.append((voter, self._vote_of(before), self._vote_of(choice)))
        self._left -= 1
        if self.support + self._left < needed(self._validators):
            raise _refused("votes", "%d good votes and %d to come: %d are needed"
                           % (self.support, self._left, needed(self._validators)))
        if self._left:
            self._expect(_VOTE, PRECOMMIT_BYTES)
        else:
            self._expect(_HEADERS)

    def _choice(self, record: bytearray) -> int:
        if same(record, 0, self._target, 0, VOTE_BYTES):
            return _TARGET
        for row in range(self._others_count):
            if same(self._others, row * VOTE_BYTES, record, 0, VOTE_BYTES):
                return _OTHERS + row
        row = self._others_count
        if (row + 1) * VOTE_BYTES > len(self._others):
            raise BudgetError("finality_targets", "votes for more than %d blocks beside the target" % row)
        if _u32(record, _SLOT_AT) <= self.slot:
            raise _refused("ancestry", "a vote for slot %d, which is no descendant of slot %d"
                           % (_u32(record, _SLOT_AT), self.slot))
        copy(self._others, row * VOTE_BYTES, record, 0, VOTE_BYTES)
        self._others_count += 1
        return _OTHERS + row

    def _vote_of(self, choice: int) -> bytes:
        if choice == _TARGET:
            return bytes(self._target)
        at = (choice - _OTHERS) * VOTE_BYTES
        return bytes(self._others[at : at + VOTE_BYTES])

    def _read_tags(self, keys: "Set") -> None:
        chunk, tags = self._chunk, self._tags
        at = 0
        for offset in range(0, keys.size, CHUNK_BYTES):
            count = min(CHUNK_BYTES, keys.size - offset)
            keys.read_into(offset, chunk, 0, count)
            for key in range(_HASH, count, _KEY_PAIR):
                copy(tags, at, chunk, key, key + _TAG)
                at += _TAG

    def _find(self, record: bytearray) -> int:
        # The voter whose key the record ends with, or -1.
        if same(record, _KEY_AT, _NOBODY, 0, _HASH):
            return -1
        keys = self._keys
        assert keys is not None
        at = find(self._tags, _TAG, 0, record, _KEY_AT, _KEY_AT + _TAG)
        while at >= 0:
            keys.read_into(at * _KEY_PAIR + _HASH, self._key, 0, _HASH)
            if same(record, _KEY_AT, self._key, 0, _HASH):
                return at
            at = find(self._tags, _TAG, at + 1, record, _KEY_AT, _KEY_AT + _TAG)
        return -1

    def _next_header(self) -> None:
        if self._left:
            self._walk.begin()
            self._expect(_HEADER)
        else:
            self._check_ancestry()
            self._part = _DONE

    def _header(self) -> None:
        walk, row = self._walk, self._headers_count
        copy(self._headers, row * 2 * _HASH, walk.digest, 0, _HASH)
        copy(self._headers, (row * 2 + 1) * _HASH, walk.head, 0, _HASH)
        self._header_slots[row] = walk.slot
        self._headers_count += 1
        self._left -= 1
        self._next_header()

    def _check_ancestry(self) -> None:
        # From each block that was voted for, by parents, down to the target; each header is on such a way.
        rows, used = self._headers, 0
        for other in range(self._others_count):
            at = other * VOTE_BYTES
            row = find(rows, 2 * _HASH, 0, self._others, at, at + _HASH)
            if 0 <= row < self._headers_count and self._header_slots[row] != _u32(self._others, at + _SLOT_AT):
                raise _refused("ancestry", "a vote names another slot than its block's header")
            above = 0xFFFFFFFF + 1
            while True:
                # Slots fall on the way, so it ends.
                if not 0 <= row < self._headers_count or not self.slot < self._header_slots[row] < above:
                    raise _refused("ancestry", "a vote for a block that is not shown to descend from the target")
                used |= 1 << row
                above = self._header_slots[row]
                parent = (row * 2 + 1) * _HASH
                if same(rows, parent, self._target, 0, _HASH):
                    break
                row = find(rows, 2 * _HASH, 0, rows, parent, parent + _HASH)
        if used != (1 << self._headers_count) - 1:
            raise _refused("ancestry", "a header that no vote needs")
