"""Whom the relays may ask: the upstreams, and where none of them can answer, the gateways that say they are near one.

A gateway is asked with a hop less than the request has left, so a request ends whatever they say of themselves, and no
more than `relay_tries` of them are asked for the same.
"""

from ..jam.kinds import RELAYED_REQUEST
from ..jam.relayed_request import preamble
from ..transport.quic import Connection as QuicConnection
from .reach import NOBODY
from .upstreams import is_upstream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..errors import RemoteError
    from ..node.carrier import Connection, KindStream
    from ..node.peers import Record
    from .link import GatewayLink
    from .upstreams import Upstreams


class Sources:
    """The upstreams and the gateways, with one face. `hops` is how many gateways a request may still pass, `owner` the
    link that it came by, which is not asked."""

    def __init__(self, upstreams: "Upstreams", links: "list[GatewayLink] | None" = None) -> None:
        self._upstreams = upstreams
        self._profile = upstreams.profile
        self.links = links if links is not None else []  # of this turn

    def may_answer(self, kind: int, tried: "list[Record]", hops: int, owner: object) -> bool:
        """Whether anybody is left to ask, now or when it has less to do."""
        return self._upstreams.may_answer(kind, tried) or bool(self._near(kind, tried, hops, owner))

    def choose(self, kind: int, tried: "list[Record]", now: int, hops: int, owner: object) -> "Record | None":
        """Whom to ask now; None while all have enough to do."""
        if self._upstreams.may_answer(kind, tried):
            return self._upstreams.choose(kind, tried, now)
        dealings, limit = self._upstreams.dealings, self._profile.relays_upstream
        near = [link for link in self._near(kind, tried, hops, owner) if dealings(link.record).running < limit]
        if not near:
            return None
        # Those that the user named come first: strangers may say that they are near and never answer.
        return min(near, key=lambda link: (link.record.inbound, dealings(link.record).cuts.get(kind, 0),
                                           link.trade.distances[kind], dealings(link.record).running)).record

    def connection(self, record: "Record", now: int) -> "Connection | None":
        """Where it is asked."""
        if is_upstream(record):
            return self._upstreams.connection(record, now)
        return record.link.connection if record.link is not None else None

    def open(self, record: "Record", connection: "Connection", kind: int) -> "KindStream | None":
        """A stream for the request, or None: not now."""
        if isinstance(connection, QuicConnection):
            return connection.open(kind, True)
        return connection.open(kind if is_upstream(record) else RELAYED_REQUEST)

    def is_touchy(self, record: "Record") -> bool:
        """A stream that is reset may cost its connection, with all that is under way there."""
        return is_upstream(record)

    def preamble(self, record: "Record", kind: int, hops: int) -> bytes:
        """What goes before the request."""
        return b"" if is_upstream(record) else preamble(kind, hops - 1)

    # what becomes of exchanges

    def began(self, record: "Record") -> None:
        """It was chosen."""
        self._upstreams.began(record)

    def ended(self, record: "Record") -> None:
        """The exchange is over, one way or another."""
        self._upstreams.ended(record)

    def answered(self, record: "Record", kind: int) -> None:
        """It gave a whole answer."""
        self._upstreams.answered(record, kind)

    def lost(self, record: "Record", kind: int, connection: "Connection | None", now: int) -> None:
        """There is no connection to ask on, or it ended (`connection`) under an exchange."""
        if is_upstream(record):
            self._upstreams.lost(record, kind, connection, now)

    def declined(self, record: "Record", kind: int) -> None:
        """It gave no answer, which may be right."""
        if not is_upstream(record):
            self._upstreams.dealings(record).cuts[kind] = self._upstreams.dealings(record).cuts.get(kind, 0) + 1

    def fault(self, record: "Record", kind: int, error: "RemoteError") -> None:
        """It cut an answer, or was silent."""
        self._upstreams.fault(record, kind, error)

    def _near(self, kind: int, tried: "list[Record]", hops: int, owner: object) -> "list[GatewayLink]":
        if sum(not is_upstream(record) for record in tried) >= self._profile.relay_tries:
            return []
        return [link for link in self.links if link.trade.distances.get(kind, NOBODY) < hops
                and link is not owner
                and link.ready and not link.is_upstream and link.record not in tried]
