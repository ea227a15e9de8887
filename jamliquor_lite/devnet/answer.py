"""Answers CE 128, CE 129 (zdave-parity/jam-np, simple.md) and the lite network's header range from a chain."""

from ..chain.difference_builder import build_difference
from ..chain.range_builder import build_range
from ..codec import natural
from ..jam.block_request import BlockResponder
from ..jam.difference_request import DifferenceResponder
from ..jam.kinds import BLOCK_REQUEST, DECLINED, DIFFERENCE_REQUEST, HEADER_REQUEST, STATE_REQUEST
from ..jam.range_request import DESCENDING
from ..jam.state_request import StateResponder
from ..node import answers
from ..node.answers import Pieces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..jam.framing import Stream
    from ..jam.header_request import HeaderResponder
    from ..node.carrier import Connection
    from .blocks import Block
    from .serve import Server

_MAX_ANSWER_BYTES = 8 * 1024 * 1024  # a request for 2^32 blocks or bytes; one block or entry may pass it
_FLUSH_MS = 30
_DEADLINE_MS = 30_000  # a peer that asks and does not read


def _range(server: "Server", asked: "BlockResponder | HeaderResponder", most: int) -> "list[Block] | None":
    # The blocks that a request is about, at most `most`; None: the one named is unknown or cannot become final.
    chain, wire = server.chain, server.wire
    block = chain.block(asked.header_hash)
    if block is None or not chain.servable(block) or (wire is not None and wire.refuses_blocks):
        return None
    maximum = min(asked.maximum, most)
    return chain.descending(block, maximum) if asked.direction == DESCENDING else chain.ascending(block, maximum)


class BlockAnswer(answers.Answer):
    """One CE 128 exchange: refused for a block that is unknown or cannot become final, else as many blocks as asked
    for within 128 and 8 MiB. Ascending from a head is an empty answer."""

    def __init__(self, server: "Server", connection: "Connection", stream: "Stream", now: int) -> None:
        self._server = server
        self.responder: BlockResponder = BlockResponder()
        answers.Answer.__init__(self, stream, now + _DEADLINE_MS)

    def asked(self, now: int) -> None:
        """As in Answer."""
        self._server.count(BLOCK_REQUEST)
        responder = self.responder
        found = _range(self._server, responder, self._server.profile.block_request_blocks)
        if found is None:
            responder.refuse(DECLINED)
            return
        size = 0
        pieces: list[bytes] = []
        for one in found:
            if pieces and size + one.size > _MAX_ANSWER_BYTES:
                break
            pieces += (one.header, one.body)
            size += one.size
        responder.answer_blocks(size)
        self._pieces = Pieces(pieces)


class HeaderAnswer(answers.HeaderAnswer):
    """One header range: refused as a CE 128 request would be, else as many headers as asked for and 128 KiB hold."""

    def __init__(self, server: "Server", connection: "Connection", stream: "Stream", now: int) -> None:
        self._server = server
        answers.HeaderAnswer.__init__(self, stream, now + _DEADLINE_MS, self._headers)

    def _headers(self, header_hash: bytes, direction: int, maximum: int) -> "list[bytes] | None":
        self._server.count(HEADER_REQUEST)
        found = _range(self._server, self.responder, maximum)
        return None if found is None else [block.header for block in found]


class StateAnswer(answers.Answer):
    """One CE 129 exchange: refused for a header whose state is unknown or forgotten, and for a range that is none."""

    def __init__(self, server: "Server", connection: "Connection", stream: "Stream", now: int) -> None:
        self._server = server
        self._connection = connection
        self._stream = stream
        self.responder: StateResponder = StateResponder()
        answers.Answer.__init__(self, stream, now + _DEADLINE_MS)
        self._raw: bytes | None = None  # a dishonest answer goes out as it is, past the responder
        self._sent = 0
        self._flushed_at = 0  # when its last bytes have left: closing a connection overtakes what waits
        self._over = False

    @property
    def busy(self) -> bool:
        """The exchange runs."""
        return self.responder.busy and not self._over

    def poll(self, now: int) -> bool:
        """As in Answer."""
        return answers.Answer.poll(self, now) if self._raw is None else self._send_raw(now)

    def asked(self, now: int) -> None:
        """As in Answer."""
        self._server.count(STATE_REQUEST)
        responder, chain, wire = self.responder, self._server.chain, self._server.wire
        start, end = responder.start_key, responder.end_key
        header_hash = responder.header_hash
        if wire is not None:
            header_hash = wire.other_header(chain, header_hash)
            if wire.silent:
                return
            if wire.refuses_state:
                responder.refuse(DECLINED)
                return
        trie = chain.trie(header_hash)
        if trie is None or start > end:
            responder.refuse(DECLINED)
            return
        nodes, entries = build_range(trie, start, end, min(responder.max_size, _MAX_ANSWER_BYTES))
        if wire is not None:
            nodes, entries = wire.change(nodes, entries, trie, start)
        first = b"".join(nodes)
        encoded = [key + natural.encode(len(value)) + value for key, value in entries]
        if wire is not None:
            raw = wire.raw(first, b"".join(encoded))
            if raw is not None:
                self._raw = raw
                self._flushed_at = now + _FLUSH_MS
                return
        responder.answer_state(len(first), sum(map(len, encoded)))
        self._pieces = Pieces([first, *encoded])

    def _send_raw(self, now: int) -> bool:
        assert self._raw is not None and self._server.wire is not None
        self._sent += self._stream.send(self._raw, self._sent, len(self._raw))
        if self._sent < len(self._raw):
            self._flushed_at = now + _FLUSH_MS
        elif now >= self._flushed_at and not self._over:
            self._over = True
            if self._server.wire.end(self._connection, self._stream):
                self.responder.refuse(DECLINED)
        return not self._over


class DifferenceAnswer(answers.Answer):
    """One lite difference: declined for a header whose state is unknown or forgotten. A base that is, is none."""

    def __init__(self, server: "Server", stream: "Stream", now: int) -> None:
        self._server = server
        self.responder: DifferenceResponder = DifferenceResponder(server.profile.watch_items)
        answers.Answer.__init__(self, stream, now + _DEADLINE_MS)

    def asked(self, now: int) -> None:
        """As in Answer."""
        self._server.count(DIFFERENCE_REQUEST)
        responder, chain, wire = self.responder, self._server.chain, self._server.wire
        if wire is not None and wire.silent:
            return
        header_hash = responder.header_hash if wire is None else wire.other_header(chain, responder.header_hash)
        trie = chain.trie(header_hash)
        if trie is None or (wire is not None and wire.refuses_state):
            responder.refuse(DECLINED)
            return
        size = min(responder.max_size, _MAX_ANSWER_BYTES)
        base = chain.trie(responder.base_hash)
        pieces = build_difference(trie.hashed_top(), None if base is None else base.hashed_top(), responder.items, size)
        if wire is not None:
            pieces = wire.differ(pieces)
        responder.answer_difference(sum(map(len, pieces)))
        self._pieces = Pieces([b"".join(pieces)])
