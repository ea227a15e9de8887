"""A watch list and the states it follows, without a chain: every exchange runs over a pair of streams in memory.
Runs on CPython and MicroPython."""

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.difference_builder import build_difference
from jamliquor_lite.chain.range_builder import build_range
from jamliquor_lite.chain.tree import NONE
from jamliquor_lite.chain.trie import Trie
from jamliquor_lite.codec import natural
from jamliquor_lite.jam.difference_request import DifferenceResponder
from jamliquor_lite.jam.events import DONE
from jamliquor_lite.jam.kinds import DIFFERENCE_REQUEST, STATE_REQUEST
from jamliquor_lite.jam.state_request import StateResponder
from jamliquor_lite.sync import watch as module
from jamliquor_lite.sync.difference import DifferenceQuery, RangeQuery
from jamliquor_lite.sync.watch import Watch
from tests.fake_carrier import Pair
from tests.jam.carriers import accepted
from tests.jam.drive import Server, run

LOW, HIGH = bytes(31), b"\xff" * 31


def profile_of(**numbers):
    profile = Profile()
    profile.watch_flights = 256
    for name, value in numbers.items():
        assert hasattr(profile, name)
        setattr(profile, name, value)
    return profile


def key(*parts):
    """A key that begins with these bytes."""
    return bytes(parts) + bytes(31 - len(parts))


class State:
    """What a header of the fake chain commits: a state, its commitment, and where it stands."""

    def __init__(self, number, parent, trie, level):
        self.trie = trie
        self.parent = parent
        self.number = number
        self.header_hash = bytes((number, 1)) + bytes(30)
        self.by_hash = bytes((number, 2)) + bytes(30)
        self.root = trie.root()
        self.slot = self.by_slot = number
        self.level = level
        self.support = 3
        self.validators = 6


class FakeTree:
    """Rows are the numbers of states; `parents` by number."""

    def __init__(self, chain):
        self._chain = chain

    @property
    def best(self):
        return self._chain.best

    def find(self, header_hash):
        return header_hash[0] if header_hash[0] in self._chain.states else NONE

    def descends(self, row, ancestor):
        while row != NONE and row != ancestor:
            row = self._chain.states[row].parent
        return row == ancestor


class FakeChain:
    """States by number. `choose` gives the best one; the watch under test asks it in place of sync/query.py."""

    def __init__(self, level=2):
        self.states = {}
        self.best = NONE
        self.final = None
        self.level = level
        self.tree = FakeTree(self)

    def add(self, trie, parent=None):
        """A state on top of `parent`, the best one by default; it is the best one now."""
        number = len(self.states) + 1
        state = State(number, self.best if parent is None else parent, trie.snapshot(), self.level)
        self.states[number] = state
        self.best = number
        return state

    def by_hash(self, header_hash):
        state = self.states.get(header_hash[0])
        return state.trie if state is not None and state.header_hash == header_hash else None


def look(watch, chain):
    """`watch.look` where the chain's best state is what may be answered from."""
    real = module.choose
    module.choose = lambda chain, level, support: chain.states[chain.best]
    try:
        watch.look(chain)
    finally:
        module.choose = real


class Exchange:
    """Runs pieces. `spoil(pieces)` of a difference, `cut(nodes, entries)` of a range make a liar of the peer."""

    def __init__(self, chain, profile, spoil=None, cut=None):
        self.chain = chain
        self.spoil, self.cut = spoil, cut
        self.received = self.sent = self.count = 0
        self.ranged, self.other = RangeQuery(profile), DifferenceQuery(profile)
        self._profile = profile

    def run(self, piece):
        """The query, DONE. Raises RemoteError where the peer is to blame."""
        carrier = Pair()
        self.count += 1
        if piece.items is None:
            query = self.ranged
            query.ask(carrier.a.open(STATE_REQUEST), piece.commitment, piece.start, piece.end, piece.max_size, -1)
            server = Server(StateResponder(), self._range)
            self.sent += 102
        else:
            query = self.other
            query.ask(carrier.a.open(DIFFERENCE_REQUEST), piece.commitment, piece.base_hash, piece.base, piece.items,
                      piece.max_size, -1)
            server = Server(DifferenceResponder(self._profile.watch_items), self._difference)
            self.sent += query.request_bytes
        server.responder.begin(accepted(carrier, carrier.b))
        try:
            assert run(carrier, query, [server]) == DONE
        finally:
            query.cancel()
        self.received += query.received_bytes
        return query

    def _range(self, responder):
        nodes, entries = build_range(self.chain.by_hash(responder.header_hash), responder.start_key, responder.end_key,
                                     responder.max_size)
        if self.cut is not None:
            nodes, entries = self.cut(nodes, entries)
        first = b"".join(nodes)
        second = b"".join([key + natural.encode(len(value)) + value for key, value in entries])
        responder.answer_state(len(first), len(second))
        return first + second

    def _difference(self, responder):
        base = self.chain.by_hash(responder.base_hash)
        pieces = build_difference(self.chain.by_hash(responder.header_hash).hashed_top(),
                                  None if base is None else base.hashed_top(), responder.items, responder.max_size)
        if self.spoil is not None:
            pieces = self.spoil(pieces)
        data = b"".join(pieces)
        responder.answer_difference(len(data))
        return data


def fetch(watch, chain, exchange, is_lite, peers=1, most_rounds=260):
    """Fetch the newest state whole: how many round trips it took. At worst one for each bit that keys share."""
    look(watch, chain)
    trips = 0
    while watch.target is not None and not is_coming(watch):
        pieces = []
        while True:
            piece = watch.next_piece(is_lite, peers)
            if piece is None:
                break
            pieces.append(piece)
        if pieces:
            trips += 1
        for piece in pieces:
            query = exchange.run(piece)
            entries = query.entries if piece.items is not None else 0
            assert watch.done(piece, query.top, query.received_bytes, entries)
        assert trips < most_rounds
        look(watch, chain)
    return trips


def is_coming(watch):
    return watch._coming is not None


def taken(watch):
    """All changes of the state that is being delivered, as (key, value or None)."""
    found = []
    while True:
        change = watch.next_change()
        if change is None:
            return found
        found.append((change.key, None if change.now is None else change.now.value))


def update(watch, chain, exchange, is_lite, peers=1):
    """Fetch and take: the changes."""
    fetch(watch, chain, exchange, is_lite, peers)
    return taken(watch)


def model(before, now, items):
    """What an update must tell, given two dicts: before None is nothing known."""
    inside = lambda key: any([start <= key <= end for start, end in items])  # noqa: E731
    new = {key: value for key, value in now.items() if inside(key)}
    if before is None:
        wide = [item for item in items if item[0] != item[1]]
        absent = [start for start, end in set(items) if start == end and start not in new
                  and not any([low <= start <= high for low, high in wide])]
        return sorted([(key, new[key]) for key in new] + [(key, None) for key in absent])
    old = {key: value for key, value in before.items() if inside(key)}
    return sorted([(key, new.get(key)) for key in set(old) | set(new) if old.get(key) != new.get(key)])


def watching(items, profile=None, **options):
    profile = profile or profile_of()
    return Watch(profile, items, **options)


__all__ = ("HIGH", "LOW", "Exchange", "FakeChain", "Trie", "fetch", "key", "look", "model", "profile_of", "taken",
           "update", "watching")
