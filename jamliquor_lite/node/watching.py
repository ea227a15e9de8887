"""Runs a watch list (sync/watch.py) over the peers of a node: several exchanges at once, with several peers at once.

It takes its turns as a question about state does (asking.py), in the class of questions: it never holds up what follows
the chain. Peers of the lite network are asked for differences; who does not know that kind, and JAM's own peers, for
ranges by CE 129. A peer that is lost, slow or declines is left alone for a while, and one that proves nothing is
blamed; what it was asked for, another one is asked.
"""

from ..chain.levels import NAMES
from ..const import const
from ..errors import BudgetError, LocalError, RemoteError
from ..jam.events import DONE, LOST, MORE, NOTHING, REFUSED
from ..jam.kinds import DIFFERENCE_REQUEST, MALFORMED, STATE_REQUEST, UNSUPPORTED, class_of, protocol
from ..sync.difference import DifferenceQuery, RangeQuery
from ..sync.watch import AUTO, Watch
from ..transport.states import CLOSED, READY
from .questions import parse_question

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..budget.profile import Profile
    from ..chain.witness import Leaf
    from ..sync.query import Commitment
    from ..sync.watch import Change, Piece
    from .carrier import Connection
    from .node import Node
    from .peers import Record
    from .questions import Question

FORMS = ("service ID", "storage ID KEY", "preimage ID HASH", "key HEX31", "prefix HEX", "range HEX31 HEX31", "entropy",
         "slot")
_KEY = const(31)
_UNITS = const(64)  # of one exchange, in one step
_LOOK_MS = const(20)  # between looks at the chain
_WAKE_MS = const(500)  # the longest wait: peers come and are tried again
_PER_PEER = const(8)  # exchanges with one peer at once, while there are others
_SHOWN_BYTES = const(64)
_REQUEST_BYTES = const(102)  # of CE 129, with its length


def parse_item(words: "list[str]") -> "Question":
    """What to watch, in one of FORMS; LocalError with what is allowed."""
    from .questions import Question

    text = " ".join(words)
    if len(words) == 2 and words[0] == "prefix":
        digits = words[1][2:] if words[1].startswith("0x") else words[1]
        try:
            start = bytes.fromhex(digits)
        except ValueError:
            start = b""
        if not 0 < len(start) <= _KEY:
            raise LocalError("watch %s: a prefix has 1 to 31 bytes, in hex digits" % repr(text[:80]), 2)
        return Question(text, start + bytes(_KEY - len(start)), start + b"\xff" * (_KEY - len(start)))
    try:
        return parse_question(words)
    except LocalError as error:
        reason = str(error) if words and words[0] in [form.split()[0] for form in FORMS] else (
            "%s: allowed are %s" % (repr(text[:80]), "; ".join(FORMS)))
        raise LocalError("watch: " + reason, 2)


class _Peer:
    """What is known of a peer as one that answers."""

    def __init__(self) -> None:
        self.is_lite = True  # until it says otherwise: it answers differences
        self.rest_until = 0  # ms
        self.flying = 0
        self.declined = b""  # the header whose state it does not have
        self.ranges_for = b""  # the header of whose state it gives no difference, but maybe ranges


class _Flight:
    """One exchange under way."""

    def __init__(self, piece: "Piece", query: "RangeQuery | DifferenceQuery", record: "Record", peer: _Peer,
                 connection: "Connection") -> None:
        self.piece = piece
        self.query = query
        self.record = record
        self.peer = peer
        self.connection = connection


class Watching:
    """Add it to a node with `start`; it ends with the node, or at `cancel`. A node in mode `idle` stays awake for it,
    as for any question; one whose caps are used up asks nothing until there is an allowance again. The node hears:

    watch_change    item, key, present, value (hex; None: absent, or too long to show), length, was (present, absent or
                    "" the first time), header, slot, committed_by, committed_in, level, support, validators
    watch_ready     the first state is delivered whole: keys, header, slot, level, bytes, exchanges, rounds
    watch_reorg     the header delivered last, `abandoned`, is not an ancestor of `header`; the changes that follow lead
                    from the one state to the other
    watch_failed    the list takes more than its budget: it is watched no further

    `bytes_in` and `bytes_out` are those of the exchanges, without what carries them.
    """

    _wants_differences = True  # else all are asked for ranges

    def __init__(self, node: "Node", items: "list[Question]", level: int = AUTO, support: int = 0,
                 profile: "Profile | None" = None) -> None:
        """`profile` has the bounds of the list, the node's by default."""
        self._profile = profile = profile or node.profile
        self.watch = Watch(profile, [(item.start, item.end) for item in items], level, support)
        self.is_done = False
        self.reason = ""  # why nothing is asked, if so
        self.bytes_in = self.bytes_out = self.refused = 0
        self._is_started = False
        self._items = items
        self._node = node
        self._peers: "dict[str, _Peer]" = {}
        self._flights: "list[_Flight]" = []
        self._spare: "list[RangeQuery]" = []
        self._spare_differences: "list[DifferenceQuery]" = []
        self._looked_at = self._next = 0

    def start(self) -> None:
        """Take turns from now on. After the node's carriers are attached."""
        node = self._node
        genesis8 = node.chain.genesis_hash[:4].hex()
        for carrier in node.carriers:
            terms = getattr(carrier, "terms", None)
            if terms is not None:
                terms.speak(protocol(DIFFERENCE_REQUEST, genesis8), DIFFERENCE_REQUEST,
                            class_of(DIFFERENCE_REQUEST, True))
        node.asks.append(self)  # type: ignore[arg-type]
        node.watches += 1
        self._is_started = True

    @property
    def ends_at(self) -> int:
        """When to come back at the latest, in ms of the node's clock."""
        return -1 if self.is_done else self._looked_at + _WAKE_MS

    def refuse(self, error: "LocalError | BudgetError") -> None:
        """What a node that may spend no more says to all questions: the exchanges end, and come again later."""
        self.reason = str(error)
        for flight in self._flights:
            self._end(flight)
            self.watch.failed(flight.piece)
        self._flights = []

    def cancel(self) -> None:
        """Watch no further."""
        self.refuse(LocalError("nobody watches any more"))
        self._node.watches -= self._is_started
        self._is_started = False
        self.is_done = True

    # turns

    def step(self, now: int) -> bool:
        """A bounded amount of work; whether there may be more at once."""
        try:
            return self._step(now)
        except BudgetError as error:
            self.cancel()
            self.reason = str(error)
            self._failed(error)
        except LocalError as error:
            self.reason = str(error)  # two rival states: until one is vouched for
        return False

    def _step(self, now: int) -> bool:
        if self._deliver():
            return True
        busy = self._poll(now)
        if self._node.catching_up or self._node.budgets.is_asleep:
            self._looked_at = now
            return busy
        if now - self._looked_at >= _LOOK_MS or (busy and not self._flights) or not self._looked_at:
            self._looked_at = now
            self._look()
        return self._launch(now) or busy or self._deliver()

    def _failed(self, error: BudgetError) -> None:
        self._node.on_event("watch_failed", {"limit": error.limit, "reason": str(error)})

    def _look(self) -> None:
        self.watch.look(self._node.chain)

    def _poll(self, now: int) -> bool:
        # Each exchange, from another one on each time.
        busy = False
        count = len(self._flights)
        self._next += 1
        for step in range(count):
            flight = self._flights[(self._next + step) % count]
            for _ in range(_UNITS):
                try:
                    event = flight.query.poll(now)
                except RemoteError as error:
                    self._over(flight, now)
                    self.watch.failed(flight.piece)
                    self._blame(flight, error, now)
                    return True
                if event == NOTHING:
                    break
                busy = True
                if event != MORE:
                    self._ended(flight, event, now)
                    return True
        return busy

    def _ended(self, flight: _Flight, event: int, now: int) -> None:
        record, peer, piece = flight.record, flight.peer, flight.piece
        self._over(flight, now)
        if event == DONE:
            entries = 0
            if isinstance(flight.query, DifferenceQuery):
                entries = flight.query.entries
            received = flight.query.received_bytes
            if not self.watch.done(piece, flight.query.top, received, entries):
                self._blame(flight, RemoteError(MALFORMED, "a difference that shows nothing of what was asked"), now)
                return
            record.serves_state = True
            record.proved += 1
            self._node.proved_answers += 1
            return
        self.watch.failed(piece)
        is_unsupported = event == REFUSED and flight.query.reset_code == UNSUPPORTED
        if is_unsupported and piece.items is not None:
            peer.is_lite = False
            return
        if event == REFUSED and piece.items is not None:
            peer.ranges_for = piece.commitment.header_hash
            return
        record.declined += 1
        if event == LOST and record.serves_state is None and not flight.connection.carries_lite_kinds:
            record.serves_state = False  # it closes connections that ask for state
        if event == REFUSED and not is_unsupported:
            peer.declined = piece.commitment.header_hash
        else:
            peer.rest_until = now + self._node.profile.peer_retry_ms

    def _blame(self, flight: _Flight, error: "RemoteError", now: int) -> None:
        self.refused += 1
        self._node.refused_answers += 1
        flight.peer.rest_until = now + self._node.profile.peer_retry_max_ms
        self._node.blame(flight.record, error)

    def _over(self, flight: _Flight, now: int) -> None:
        self._flights.remove(flight)
        flight.peer.flying -= 1
        query = flight.query
        self.bytes_in += query.received_bytes
        if isinstance(query, DifferenceQuery):
            self._spare_differences.append(query)
        else:
            self._spare.append(query)

    def _end(self, flight: _Flight) -> None:
        flight.query.cancel()
        flight.peer.flying -= 1

    # who is asked

    def _launch(self, now: int) -> bool:
        watch, target = self.watch, self.watch.target
        if target is None:
            return False
        able = self._able(target, now)
        if not able:
            return self._nobody(target)
        self.reason = ""
        lite = [one for one in able if self._wants_differences and one[1].is_lite and one[2].carries_lite_kinds
                and one[1].ranges_for != target.header_hash]
        if watch.flying < self._profile.watch_flights:
            for record, peer, connection in sorted(lite or able, key=lambda one: one[1].flying):
                if len(able) > 1 and peer.flying >= _PER_PEER:
                    continue
                if self._begin(record, peer, connection, bool(lite), len(lite), now):
                    return True
        return False

    def _able(self, target: "Commitment", now: int) -> "list[tuple[Record, _Peer, Connection]]":
        # Peers that may have the state and whose connections stand; others are dialed.
        found = []
        for record in self._node.peers.for_state():
            peer = self._peers.get(record.name)
            if peer is None:
                if len(self._peers) >= self._node.profile.peers_ceiling:
                    self._peers = {}  # of strangers that came and went
                peer = self._peers[record.name] = _Peer()
            if now < peer.rest_until or peer.declined == target.header_hash:
                continue
            connection = self._node.state_connection(record, now)
            if connection.state == CLOSED:
                peer.rest_until = now + self._node.profile.peer_retry_ms
                self._node.state_connections.pop(record.name, None)
            elif connection.state == READY:
                found.append((record, peer, connection))
        return found

    def _nobody(self, target: "Commitment") -> bool:
        records = self._node.peers.for_state()
        self.reason = "unavailable upstream: none of %d peers serves state now" % len(self._node.peers.records)
        peers = [self._peers[record.name] for record in records if record.name in self._peers]
        if self._flights or not peers or any(peer.declined != target.header_hash for peer in peers):
            return False
        return self.watch.give_up()

    def _begin(self, record: "Record", peer: _Peer, connection: "Connection", is_lite: bool, count: int,
               now: int) -> bool:
        watch, profile = self.watch, self._profile
        piece = self._next_piece(is_lite, max(1, count))
        if piece is None:
            return False
        if piece.items is not None and not is_lite:
            watch.failed(piece)
            watch.plan_anew()  # who answers differences is gone
            return True
        stream = connection.open(STATE_REQUEST if piece.items is None else DIFFERENCE_REQUEST)
        if stream is None:
            watch.failed(piece)
            return False
        until = now + profile.state_sync_timeout_ms
        query: "RangeQuery | DifferenceQuery"
        if piece.items is None:
            query = ranged = self._spare.pop() if self._spare else RangeQuery(profile)
            ranged.ask(stream, piece.commitment, piece.start, piece.end, piece.max_size, until)
            self.bytes_out += _REQUEST_BYTES
        else:
            query = other = self._spare_differences.pop() if self._spare_differences else DifferenceQuery(profile)
            other.ask(stream, piece.commitment, piece.base_hash, piece.base, piece.items, piece.max_size, until)
            self.bytes_out += other.request_bytes
        self._flights.append(_Flight(piece, query, record, peer, connection))
        peer.flying += 1
        return True

    def _next_piece(self, is_lite: bool, peers: int) -> "Piece | None":
        return self.watch.next_piece(is_lite, peers)

    # what is told

    def _deliver(self) -> bool:
        watch, node = self.watch, self._node
        is_first = watch.delivered is None
        change = watch.next_change()
        if change is None:
            if is_first and watch.delivered is not None:
                done = watch.delivered
                node.on_event("watch_ready", {
                    "keys": watch.changes, "header": done.header_hash, "slot": done.slot, "level": NAMES[done.level],
                    "bytes": self.bytes_in + self.bytes_out, "exchanges": watch.pieces, "rounds": watch.rounds})
            return False
        if watch.abandoned is not None:
            node.on_event("watch_reorg", {
                "abandoned": watch.abandoned.header_hash, "abandoned_slot": watch.abandoned.slot,
                "header": change.commitment.header_hash, "slot": change.commitment.slot})
            watch.abandoned = None
        node.on_event("watch_change", self._describe(change))
        return True

    def _describe(self, change: "Change") -> "dict[str, Any]":
        commitment, now = change.commitment, change.now
        item = self._item(change.key)
        return {
            "item": item.text,
            "shown": _shown(item, now),
            "key": change.key,
            "present": now is not None,
            "value": now.value.hex() if now is not None and now.value is not None else None,
            "length": now.length if now is not None else 0,
            "was": "" if change.is_first else "absent" if change.before is None else "present",
            "header": commitment.header_hash,
            "slot": commitment.slot,
            "committed_by": commitment.by_hash,
            "committed_in": commitment.by_slot,
            "level": NAMES[commitment.level],
            "support": commitment.support,
            "validators": commitment.validators,
        }

    def _item(self, key: bytes) -> "Question":
        # The narrowest that has it: a key that is watched by itself has a name of its own.
        found = [item for item in self._items if item.start <= key <= item.end]
        return min(found, key=lambda item: int.from_bytes(item.end, "big") - int.from_bytes(item.start, "big"))



def _shown(item: "Question", leaf: "Leaf | None") -> str:
    if leaf is None:
        return "absent (proved)"
    if leaf.value is None:
        return "%d bytes, proved but longer than is kept" % leaf.length
    if item.single and item.decode == "slot":
        return str(int.from_bytes(leaf.value, "little"))
    if item.single and item.decode == "service":
        from ..chain.state_value import ServiceAccount

        return str(ServiceAccount(leaf.value))
    text = leaf.value[:_SHOWN_BYTES].hex()
    return text if leaf.length <= _SHOWN_BYTES else "%s… (%d bytes)" % (text, leaf.length)
