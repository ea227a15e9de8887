"""What a host keeps between runs: the checkpoint, and peers that were of use, in a journal (chain/journal.py).

Peers are a hint and nothing else: whoever is dialed has to prove its name anew, and nothing of it is believed for being
known. They are a CBOR list of [name, host, port, suite, Unix seconds of the last use or 0, whether it served state].

A disk that is full, or a folder that somebody made read-only, is told once and is no reason to stop following: what was
saved last stays, and the next checkpoint is tried again.
"""

from ..codec import cbor
from ..const import const
from ..errors import LocalError, VerifyError
from ..ports import clock
from .places import SERIAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..budget.profile import Profile
    from ..chain.checkpoint import Checkpoint
    from ..chain.journal import Journal
    from .node import Node
    from .peers import Record

_TEXT = const(128)  # characters of a name or a host
_SPARES_PART = const(4)  # of max_peers, how many remembered ones may take a place: the others are for who comes now


class Known:
    """A peer of an earlier run, or of this one."""

    def __init__(self, name: str, host: str, port: int, suite: str, seconds: int, serves_state: bool) -> None:
        self.name = name
        self.host = host
        self.port = port
        self.suite = suite
        self.seconds = seconds
        self.serves_state = serves_state


def write_peers(known: "list[Known]") -> bytes:
    """The payload of a record."""
    return cbor.dumps([[one.name, one.host, one.port, one.suite, one.seconds, one.serves_state] for one in known])


def read_peers(payload: bytes, most: int) -> "list[Known]":
    """What `write_peers` wrote, the first `most` of them. Of what is none of ours, nothing: it is a hint."""
    try:
        rows = cbor.loads(payload, 3)
    except VerifyError:
        return []
    if not isinstance(rows, list):
        return []
    found = []
    for row in rows[:most]:
        if not isinstance(row, list) or len(row) != 6:
            return []
        texts, port, seconds = (row[0], row[1], row[3]), row[2], row[4]
        if not all(isinstance(text, str) and len(text) <= _TEXT for text in texts):
            return []
        if type(port) is not int or not 0 < port < 65_536 or type(seconds) is not int or seconds < 0:
            return []
        found.append(Known(row[0], row[1], port, row[3], seconds, row[5] is True))
    return found


class JournalKeeper:
    """`load` at the start, `save` whenever there is a newer checkpoint, `close` at the end. `warn` hears one line.

    `lock` is called before the first write: LocalError where another process writes this journal.
    """

    def __init__(self, journal: "Journal", profile: "Profile", warn: "Callable[[str], None]",
                 lock: "Callable[[], None]") -> None:
        self.journal = journal
        self.node: "Node | None" = None  # whose peers are remembered
        self.peers: "list[Known]" = []
        self._profile = profile
        self._warn = warn
        self._lock = lock
        self._is_locked = False
        self._has_failed = False
        self._unsaved: "Checkpoint | None" = None
        self._last: "Checkpoint | None" = None
        self._peers_at: "int | None" = None

    def load(self) -> "Checkpoint | None":
        """The checkpoint saved last; `peers` are known then."""
        found = self.journal.load()
        if self.journal.peers is not None:
            self.peers = read_peers(self.journal.peers, self._profile.journal_peers)
        self._last = found
        return found

    def dial(self, node: "Node") -> int:
        """Have the node know those peers of earlier runs that it does not, the last ones first, as spare ones. How many
        they are."""
        count = 0
        own = [carrier.name for carrier in node.carriers]
        for one in self.peers:
            if count >= max(1, self._profile.max_peers // _SPARES_PART):
                break
            if node.peers.named(one.name) is not None or one.name in own:
                continue
            try:
                node.add_peer(one.name, one.host, one.port, True)
                count += 1
            except LocalError:
                pass  # its network is not in use, or there is no room
        return count

    def save(self, checkpoint: "Checkpoint") -> None:
        """Write it, unless the day's allowance is used up; then the latest one is written when there is some again."""
        now = clock.ticks_ms()
        peers = None
        if self._peers_at is None or now - self._peers_at >= self._profile.journal_peers_ms:
            peers = self._good_peers()
        if self._write(checkpoint, peers, False) and peers is not None:
            self._peers_at = now

    def close(self) -> None:
        """Write what is left to be written, and who was of use in the end."""
        checkpoint = self._unsaved or self._last
        peers = self._good_peers()
        if checkpoint is not None and (self._unsaved is not None or peers is not None):
            self._write(checkpoint, peers, True)

    def _write(self, checkpoint: "Checkpoint", peers: "bytes | None", is_last: bool) -> bool:
        self._unsaved = checkpoint
        try:
            if not self._is_locked:
                self._lock()
                self._is_locked = True
                self.journal.load()  # another process may have written it while we had not
            if not self.journal.save(checkpoint, _seconds(), peers, is_last):
                return False
        except LocalError as error:
            if not self._has_failed:
                self._warn("%s: going on with what was saved last" % error)
            self._has_failed = True
            return False
        self._has_failed = False
        self._unsaved, self._last = None, checkpoint
        return True

    def _good_peers(self) -> "bytes | None":
        # Those of now before those of earlier runs. None where nobody was of use in this one.
        if self.node is None:
            return None
        found = [_known(record) for record in self.node.peers.records if _is_good(record)]
        if not found:
            return None
        names = [one.name for one in found]
        found += [one for one in self.peers if one.name not in names]
        self.peers = found[: self._profile.journal_peers]
        return write_peers(self.peers)


def _is_good(record: "Record") -> bool:
    # Where it listens we know of those that we dialed alone.
    host = record.places[0][0]
    return (not record.inbound and not host.startswith(SERIAL) and len(host) <= _TEXT
            and bool(record.firsts or record.proved or (record.link is not None and record.link.greeted)))


def _known(record: "Record") -> Known:
    host, port = record.places[0]
    return Known(record.name, host, port, record.suite, clock.wall_seconds() or 0, record.serves_state is True)


def _seconds() -> int:
    # Of the wall clock, or of uptime: what counts is when another day begins.
    wall = clock.wall_seconds()
    return clock.ticks_ms() // 1000 if wall is None else wall
