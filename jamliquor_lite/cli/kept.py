"""What the data folder keeps of a chain: its journal, and the checkpoint of older releases, which goes into it once."""

import os

from ..chain.checkpoint import Checkpoint
from ..chain.journal import Journal, segment_bytes
from ..chain.twoslot import TwoSlot
from ..errors import LocalError, VerifyError
from ..node.journal_keeper import JournalKeeper
from ..ports import clock, store
from ..ports.cpython.lock import Lock
from ..ports.cpython.segments import SegmentFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..budget.profile import Profile
    from ..codec.spec import Spec
    from ..node.node import Node

JOURNAL_FILE = "journal"
OLD_FILE = "checkpoint"  # of releases before the journal: all of a checkpoint, in two slots


def is_there(folder: str) -> bool:
    """Whether something of a chain is kept in this folder."""
    return any(os.path.isfile(os.path.join(folder, "%s.%d" % (name, number)))
               for name in (JOURNAL_FILE, OLD_FILE) for number in (0, 1))


class Kept:
    """`load`, then `accept` what it found once it was judged, then `save` as a node does, then `close`."""

    def __init__(self, folder: str, spec: "Spec | None", profile: "Profile", warn: "Callable[[str], None]",
                 is_guest: bool = False) -> None:
        """`is_guest`: a node may be running on this folder; nothing is written. `spec` may be None for who only loads.
        LocalError (2) where the journal may not be as large as the spec needs."""
        self._folder = folder
        self._warn = warn
        self._is_guest = is_guest or spec is None
        self._file_lock: "Lock | None" = None
        self._is_old = False
        segment = segment_bytes(spec, profile.journal_bytes) if spec is not None else 0
        self.journal = Journal(SegmentFile(os.path.join(folder, JOURNAL_FILE)), segment, profile.journal_day_bytes)
        self.keeper = JournalKeeper(self.journal, profile, warn, self._lock)

    def load(self, otherwise: str) -> "Checkpoint | None":
        """The checkpoint that was saved last; None where there is none, and then a node starts from `otherwise`. What
        was lost is a warning."""
        found = self.keeper.load()
        damaged = self.journal.damaged
        if damaged and not (self._is_guest and found is not None):  # its node may just be writing
            self._warn(damaged)
        return found or self._load_old(otherwise)

    def accept(self, checkpoint: "Checkpoint") -> None:
        """What `load` found is what the node starts from. Where it is of an older release, it moves."""
        if self._is_old and not self._is_guest:
            self.keeper.save(checkpoint)
            if self.journal.size:
                self._drop_old()

    def replace(self, checkpoint: "Checkpoint") -> None:
        """Have a node start from this one. LocalError where it cannot be had, or one is running there now."""
        self._lock()
        self.journal.load()
        if not self.journal.save(checkpoint, clock.wall_seconds() or clock.ticks_ms() // 1000, is_last=True):
            raise LocalError("%s: what may be written in a day is used up" % os.path.join(self._folder, JOURNAL_FILE))
        self._drop_old()
        self.close()

    def save(self, checkpoint: "Checkpoint") -> None:
        """Keep this one from now on."""
        self.keeper.save(checkpoint)

    def attach(self, node: "Node") -> None:
        """The node is there: it hears of the peers of earlier runs, and those of this one are remembered."""
        self.keeper.dial(node)
        self.keeper.node = node

    def close(self) -> None:
        """The node has ended: write what is left, and let others have it."""
        if not self._is_guest:
            self.keeper.close()
        if self._file_lock is not None:
            self._file_lock.release()
            self._file_lock = None

    def _lock(self) -> None:
        if self._file_lock is None:
            self._file_lock = Lock(os.path.join(self._folder, JOURNAL_FILE + ".lock"))

    def _old(self) -> "store.SlotFile":
        return store.SlotFile(os.path.join(self._folder, OLD_FILE))

    def _drop_old(self) -> None:
        for slot in (0, 1):
            try:
                os.unlink(self._old().name(slot))
            except OSError:
                pass  # it is not there, or not looked at again

    def _load_old(self, otherwise: str) -> "Checkpoint | None":
        slots = TwoSlot(self._old())
        payload = slots.load()
        if slots.damaged:
            self._warn(slots.damaged)
        if payload is None:
            return None
        try:
            found = Checkpoint.decode(payload)
        except VerifyError as error:
            self._warn("the saved checkpoint is unusable (%s): starting from %s" % (error, otherwise))
            return None
        self._is_old = True
        return found
