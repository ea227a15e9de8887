"""Who is on the lite network with us: connections with what belongs to them, and the order in which they are served."""

from ..budget.classes import COUNT
from ..const import const
from ..transport.states import CONNECTING
from . import services

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from ..budget.meter import Meter
    from ..budget.profile import Profile
    from ..transport.connection import Connection
    from .places import Link
    from .race import Race


_ENDING = const(2)  # connections above max_peers, at least: those that end, and those that come to prove themselves


class Member:
    """A connection, its link (None while the race for it runs, and at the end), its services and what it spends."""

    def __init__(self, connection: "Connection", link: "Link | None", race: "Race | None") -> None:
        self.connection = connection
        self.link = link
        self.race = race
        self.services = services.Services()
        self.is_new = True  # not READY so far
        # see traffic.py
        self.has_waited = False  # it got nothing in this round, for a budget had none
        self.has_more = True  # the last read took all that it might
        self.down: "Meter | None" = None  # its own rates, where peers have any
        self.up: "Meter | None" = None
        self.unsent = 0  # bytes that the system holds for it, as the wire will carry them
        self.stuck_at = -1  # ms since when
        self.window = 0  # bytes that it takes, when last measured
        self.look_at = -1  # ms at which its window, which was closed, is looked at again
        self.taken = 0  # bytes read
        self.overhead_in = self.overhead_out = 0  # charged so far, beside payload


class Order:
    """A round through all members: the most urgent class first, and of a class the one that came off worst before."""

    def __init__(self) -> None:
        self._first = bytearray(COUNT)  # of each class, from which place of the list on

    def each(self, members: "list[Member]", step: "Callable[[Member, int], None]", now: int) -> None:
        """`step` for every member. The list must stay as it is meanwhile."""
        count = len(members)
        classes = 0
        for member in members:
            classes |= 1 << member.connection.cls
        for cls in range(COUNT):
            if not classes >> cls & 1:
                continue
            first = self._first[cls]
            has_waited = False
            for at in range(first, first + count):
                member = members[at % count]
                if member.connection.cls == cls:
                    member.has_waited = False
                    step(member, now)
                    if member.has_waited and not has_waited:
                        has_waited = True
                        self._first[cls] = at % count & 0xFF


def most(profile: "Profile") -> int:
    """How many members there may be. Whoever has proved himself may take another's place (node/admission.py): so there
    is room to do so."""
    return profile.max_peers + max(_ENDING, profile.handshakes)


def full(members: "list[Member]", profile: "Profile", host: str) -> str:
    """What there is too much of; "" while there is room for one more stranger, from `host`."""
    inbound = [member.connection for member in members if not member.connection.is_dialed]
    begun = [connection for connection in inbound if connection.state == CONNECTING]
    if len(begun) >= profile.handshakes:
        return "too many handshakes"
    # Half of them at most, or one host that says nothing would keep all others out.
    if sum(1 for connection in begun if connection.addr[0] == host) >= (profile.handshakes + 1) // 2:
        return "too many handshakes from %s" % host
    if sum(1 for connection in inbound if connection.addr[0] == host) >= profile.connections_per_source:
        return "too many connections from %s" % host
    return "too many connections" if len(members) >= most(profile) else ""
