"""Headers that are longer than a board's buffer: an epoch mark at full spec makes one of 65,833 bytes.

Its seal cannot be checked in one pass: the challenge hashes what is derived from the seal before the header, and the
seal comes last. So the header goes, a piece at a time, into a scratch area of the flash, where it is worth nothing; it
is read again for the challenge; and only when the chain takes it are the keys copied to where they are kept.

Flash wears, so a peer must not have us write what is of no use. All that its first 165 bytes allow is checked before
a byte is written: the parent is known, slots ascend, the mark is due here and has our entropies, the length fits. A
second header for the same parent and slot is first only hashed, for it mostly is the one that we have. What was
written and then led to nothing is counted: `scratch_writes` of those at once, one more each `scratch_refill_ms`. From
one peer a header that came whole and was bad is the last one of that epoch, and streams that were cut, which may be
nobody's fault, are at most half of them all. At 8 and 20 minutes that is 80 times 17 sectors a day at most, 3 years of
100,000 erases, whatever all peers do together; what the chain takes is not counted, and comes once an epoch.
"""

from ..codec.cursor import Cursor
from ..const import const
from ..crypto.suite import Blake2b256, VrfCheck, vrf_verify_into
from ..errors import BudgetError, LocalError, VerifyError
from .epoch import check_places
from .header import NO_AUTHOR, Header, announced_slot
from .light import FUTURE, FUTURE_SLOTS, HELD, KNOWN, ORPHAN, STALE
from .sets import CHUNK_BYTES, Window, digest_of
from .tree import NONE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from ..budget.profile import Profile
    from ..codec.spec import Spec
    from .flash_area import Area
    from .light import LightChain
    from .sets import Set

HEAD_BYTES = 165  # parent, prior state root, extrinsic hash, slot, flag, entropies of an epoch mark
_HASH = const(32)
_FLAG_AT = const(100)
_KEY_PAIR = const(64)
_TICKET = const(33)
_SIGNATURE = const(96)
_TAIL = const(107)  # author 2, entropy signature 96, a natural of at most 9
_PAGE = const(256)  # written at a time
_PEERS = const(8)  # that wasted a write: the oldest is forgotten, the bound on all of them stays


class StoredHeader(Header):
    """A header in flash behind the face of Header. Of it are known the first HEAD_BYTES at once, the rest after
    `complete`, for as long as the area is not written again. Raises VerifyError("codec") like Header."""

    def __init__(self, spec: "Spec", area: "Area", head: bytes) -> None:
        self.spec = spec
        self.buf = head
        self.start = self.end = 0
        self.author = NO_AUTHOR
        self.offenders_count = 0
        self._area = area
        self._head = head
        self._digest = bytearray(_HASH)
        self._is_hashed = True
        self.slot = announced_slot(head, 0)
        reader = Cursor(head, _FLAG_AT)
        self._epoch_mark = _FLAG_AT + 1 if reader.flag() else 0
        self._tickets_mark = 0
        if not self._epoch_mark and reader.flag():  # behind an epoch mark, `complete` comes to it
            self._tickets_mark = reader.pos

    def complete(self, size: int, header_hash: bytes) -> None:
        """All `size` bytes are in the area, and this is their hash."""
        self._digest[:] = header_hash
        at = _FLAG_AT + 1 + (self.spec.epoch_mark_size if self._epoch_mark else 0)
        if at + _TAIL > size:
            raise VerifyError("codec", "a header of %d bytes ends inside its marks" % size)
        flag = Cursor(self._bytes(at, 1)).flag()
        at += 1
        if flag:
            self._tickets_mark = at
            at += self.spec.tickets_mark_size
        if at + _TAIL > size:
            raise VerifyError("codec", "a header of %d bytes ends inside its marks" % size)
        reader = Cursor(self._bytes(at, _TAIL))
        self.author = reader.u16()
        self._entropy_signature = at + reader.skip(_SIGNATURE)
        self.offenders_count = reader.natural()
        self._offenders = at + reader.pos
        self._seal = self._offenders + self.offenders_count * _HASH
        self.end = self._seal + _SIGNATURE
        if self.offenders_count > self.spec.validators or self.end != size:
            raise VerifyError("codec", "a header of %d bytes says that it has %d" % (size, self.end))

    def _bytes(self, start: int, size: int) -> bytes:
        if start + size <= len(self._head):
            return self._head[start : start + size]
        return Window(self._area, start, size).whole()

    def content_into(self, out: "bytearray | memoryview") -> None:
        out[:] = digest_of(Window(self._area, 0, self._seal), bytearray(CHUNK_BYTES))

    def marked_keys(self) -> "Set":
        return Window(self._area, self._epoch_mark + 2 * _HASH, self.spec.validators * _KEY_PAIR)

    def marked_tickets(self) -> "Set":
        return Window(self._area, self._tickets_mark, self.spec.epoch_length * _TICKET)

    def seal_holds(self, out: bytearray, key: bytearray, data: bytearray) -> bool:
        """The second pass."""
        check = VrfCheck(key, data, self.seal)
        chunk = bytearray(CHUNK_BYTES)
        view = memoryview(chunk)
        for at in range(0, self._seal, CHUNK_BYTES):
            count = min(CHUNK_BYTES, self._seal - at)
            self._area.read_into(at, chunk, 0, count)
            check.update(view[:count])
        output = check.finish()
        if output is None:
            return False
        out[:] = output
        return True

    def entropy_holds(self, out: "bytearray | memoryview", key: bytearray, data: bytearray) -> bool:
        return vrf_verify_into(out, key, data, self.entropy_signature, 0, 0, 0)


class Allowance:
    """How often flash may be written for headers that lead to nothing. `now` is in ms."""

    def __init__(self, writes: int, refill_ms: int) -> None:
        self.wasted = 0  # in all
        self._writes = writes
        self._left = writes
        self._refill_ms = refill_ms
        self._refilled_at = 0
        self._peers: "list[tuple[str, int, int, int]]" = []  # who wasted some, of which epoch, how many, and when last

    def take(self, peer: str, epoch: int, now: int) -> bool:
        """Whether `peer` may have a header of `epoch` written. It counts as a cut one until `end`."""
        while self._left < self._writes and now - self._refilled_at >= self._refill_ms:
            self._left += 1
            self._refilled_at += self._refill_ms
        if self._left == 0:
            return False
        count = 0
        for name, of_epoch, wasted, at in self._peers:
            if name == peer and of_epoch == epoch and now - at < self._refill_ms:
                count = wasted
        if 2 * count >= self._writes:
            return False
        if self._left == self._writes:
            self._refilled_at = now
        self._left -= 1
        self.wasted += 1
        self._note(peer, epoch, count + 1, now)
        return True

    def end(self, peer: str, epoch: int, is_adopted: bool, now: int) -> None:
        """What was taken came whole: the chain has it now, or the peer is to blame."""
        if is_adopted:
            self._left = min(self._writes, self._left + 1)
            self.wasted -= 1
        self._note(peer, epoch, 0 if is_adopted else self._writes, now)

    def _note(self, peer: str, epoch: int, count: int, now: int) -> None:
        self._peers = [one for one in self._peers if one[:2] != (peer, epoch)]
        if count:
            if len(self._peers) == _PEERS:
                self._peers.pop(0)
            self._peers.append((peer, epoch, count, now))


class LongHeaders:
    """The scratch area of a node, and who is writing to it: one at a time. `now` and `now_slot` are the clocks, in ms
    and in slots (-1: unknown). `held_slot` says which slot a header has that is kept aside, -1 for one that is not.
    """

    def __init__(self, chain: "LightChain", area: "Area", profile: "Profile", now: "Callable[[], int]",
                 now_slot: "Callable[[], int]") -> None:
        if area.size < chain.spec.plain_header_size + max(chain.spec.epoch_mark_size, chain.spec.tickets_mark_size):
            raise LocalError("flash: a scratch area of %d bytes holds no header of spec %s"
                             % (area.size, chain.spec.name), 2)
        self.chain = chain
        self.area = area
        self.allowance = Allowance(profile.scratch_writes, profile.scratch_refill_ms)
        self.held_slot: "Callable[[bytes], int]" = _holds_none
        self.now = now
        self.now_slot = now_slot
        self.written = 0  # headers that went into the area, as far as they came
        self.writer: "Sink | None" = None
        self.page = bytearray(_PAGE)
        self._second: "tuple[bytes, int] | None" = None  # parent and slot of a header that was only hashed

    def sink(self, peer: str) -> "Sink":
        """Takes the long headers of one core (jam/) of one connection."""
        return Sink(self, peer)

    def judge(self, header: StoredHeader, length: int) -> int:
        """0 for a header that may be written, else an outcome of light.py. Raises VerifyError, BudgetError."""
        chain, tree = self.chain, self.chain.tree
        if length > self.area.size:
            raise BudgetError("scratch", "a header of %d bytes, %d are there for it" % (length, self.area.size))
        parent = tree.find(header.parent)
        parent_slot = tree.slots[parent] if parent != NONE else self.held_slot(header.parent)
        if parent_slot < 0:
            return STALE if header.slot <= tree.slots[tree.root] else ORPHAN
        if header.slot <= parent_slot:
            raise VerifyError("slot", "header of slot %d follows slot %d" % (header.slot, parent_slot))
        now_slot = self.now_slot()
        if now_slot >= 0 and header.slot - FUTURE_SLOTS > now_slot:
            return FUTURE
        if parent != NONE:
            check_places(header, parent_slot, chain.levels.epoch(parent), tree.entropy(parent))
        _check_length(header, length)
        if self._second == (header.parent, header.slot):
            return 0
        row = tree.next_at(header.slot, NONE)
        while row != NONE:
            if tree.parents[row] == parent:
                return HELD
            row = tree.next_at(header.slot, row)
        return 0

    def hashed_only(self, header: StoredHeader, header_hash: bytes, is_second: bool) -> int:
        """What a header is that was not written, because another one had its parent and slot (`is_second`) or it had
        no turn."""
        if self.chain.tree.find(header_hash) != NONE:
            return KNOWN
        if is_second:
            self._second = (header.parent, header.slot)
        return HELD

    def begin(self, writer: "Sink", header: StoredHeader) -> None:
        """The area is this sink's until it is dropped."""
        self.writer = writer
        self.written += 1
        if self._second == (header.parent, header.slot):
            self._second = None


class Sink:
    """One header at a time, from its first byte on: `begin` with at least HEAD_BYTES of it, `write` the rest, `finish`,
    then the caller offers `header` to the chain, and `drop` when it has been offered or will not come whole.

    `outcome` is 0 and `header` is there when it was written; else `outcome` says as light.py does why it is no use.
    `parent`, `slot` and, after `finish`, `hash` are those of the header in any case.
    """

    def __init__(self, owner: LongHeaders, peer: str) -> None:
        self.outcome = 0
        self.header: "StoredHeader | None" = None
        self.parent = self.hash = b""
        self.slot = 0
        self._owner = owner
        self._peer = peer
        self._at = 0
        self._is_second = False
        self._view: "StoredHeader | None" = None
        self._state: "Blake2b256 | None" = None

    def begin(self, buf: "bytearray | memoryview", end: int, length: int) -> None:
        """The header begins with buf[:end], and has `length` bytes (0: not known yet). VerifyError: it breaks a rule;
        BudgetError("scratch"): there is no room for it."""
        self.drop()
        owner = self._owner
        chain = owner.chain
        self.hash = b""
        self._at = 0
        self._state = Blake2b256()
        try:
            self._view = header = StoredHeader(chain.spec, owner.area, bytes(memoryview(buf)[:HEAD_BYTES]))
            self.parent, self.slot = header.parent, header.slot
            self.outcome = owner.judge(header, length)
        except VerifyError as error:
            chain.refuse(error)
            raise
        self._is_second = self.outcome == HELD
        if not self.outcome:
            epoch = chain.spec.epoch(self.slot)
            if owner.writer is None and owner.allowance.take(self._peer, epoch, owner.now()):
                owner.begin(self, header)
            else:
                self.outcome = HELD
        self.write(buf, 0, end)

    def write(self, buf: "bytearray | memoryview", start: int, end: int) -> None:
        """The header goes on with buf[start:end]."""
        assert self._state is not None
        self._state.update(memoryview(buf)[start:end])
        if self._owner.writer is not self:
            self._at += end - start
            return
        page = self._owner.page
        while start < end:
            within = self._at % _PAGE
            n = min(end - start, _PAGE - within)
            page[within : within + n] = buf[start : start + n]
            self._at += n
            start += n
            if within + n == _PAGE:
                self._put(self._at - _PAGE)

    def finish(self) -> None:
        """The header has come whole. VerifyError("codec") when it does not end where it says."""
        assert self._state is not None and self._view is not None
        owner = self._owner
        self.hash = self._state.digest()
        if owner.writer is not self:
            if self.outcome == HELD:
                self.outcome = owner.hashed_only(self._view, self.hash, self._is_second)
            return
        within = self._at % _PAGE
        if within:
            for at in range(within, _PAGE):
                owner.page[at] = 0xFF
            self._put(self._at - within)
        try:
            self._view.complete(self._at, self.hash)
        except VerifyError as error:
            self.judged(False)
            self.drop()
            owner.chain.refuse(error)
            raise
        self.header = self._view

    def judged(self, is_adopted: bool) -> None:
        """The chain has taken the header, so that writing it was no waste, or has refused it for breaking a rule."""
        owner = self._owner
        owner.allowance.end(self._peer, owner.chain.spec.epoch(self.slot), is_adopted, owner.now())

    def drop(self) -> None:
        """Let the area go. What is in it is no header any more."""
        self.header = self._view = None
        self._state = None
        if self._owner.writer is self:
            self._owner.writer = None

    def _put(self, at: int) -> None:
        area = self._owner.area
        if at + _PAGE > area.size:
            raise BudgetError("scratch", "a header of more than the %d bytes there are for it" % area.size)
        if at % area.sector_bytes == 0:
            area.erase(at, area.sector_bytes)
        area.write(at, self._owner.page, 0, _PAGE)


def _holds_none(header_hash: bytes) -> int:
    return -1


def _check_length(header: StoredHeader, length: int) -> None:
    # Offenders are 32 bytes each, and from 128 on their number takes a second byte.
    spec = header.spec
    mark = spec.epoch_mark_size if header.epoch_mark else spec.tickets_mark_size if header.tickets_mark else 0
    rest = length - spec.plain_header_size - mark
    if length and (rest < 0 or rest % _HASH > 1):
        raise VerifyError("codec", "no header with these marks has %d bytes" % length)
