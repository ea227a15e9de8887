"""Faults of a peer that serves a chain: what a client of CE 129 must refuse, each by its name.

An honest answer is built first and then spoiled, so that all else about it is right.
"""

from ..errors import LocalError
from ..jam.attestation import Entry
from ..jam.difference_request import ENTRY_PLACE, HASH, SAME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..chain.trie import Trie
    from ..jam.framing import Stream
    from ..node.carrier import Connection
    from .blocks import Blocks

    Nodes = list[bytes]
    Entries = list[tuple[bytes, bytes]]


_CLOSE_AFTER = "close-after-"


class WireFault:
    """No fault; a subclass overrides what it needs."""

    name = "honest"
    mute = False  # announces nothing
    silent = False  # takes a state request and never answers
    refuses_state = False  # resets every state request
    refuses_blocks = False

    def other_header(self, chain: "Blocks", header_hash: bytes) -> bytes:
        """The header whose state is served for a request that names `header_hash`."""
        return header_hash

    def change(self, nodes: "Nodes", entries: "Entries", trie: "Trie", start: bytes) -> "tuple[Nodes, Entries]":
        """Another content of the answer."""
        return nodes, entries

    def differ(self, pieces: "list[bytes]") -> "list[bytes]":
        """Another content of a difference, which has a piece for each place (jam/difference_request.py)."""
        return pieces

    def raw(self, nodes: bytes, entries: bytes) -> "bytes | None":
        """The whole answer as bytes on the stream, after which `end` is called; None sends it as it should be."""
        return None

    def attest(self, entries: "list[Entry]") -> "list[Entry]":
        """Another word about the blocks that opened the newest epochs."""
        return entries

    def end(self, connection: "Connection", stream: "Stream") -> bool:
        """End a raw answer. True when the stream is to be reset."""
        stream.finish()
        return False


def frame(content: bytes) -> bytes:
    """A message with its length."""
    return len(content).to_bytes(4, "little") + content


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]


class MutatedNode(WireFault):
    """One bit of the last boundary node is wrong."""

    name = "mutated-node"

    def change(self, nodes: "Nodes", entries: "Entries", trie: "Trie", start: bytes) -> "tuple[Nodes, Entries]":
        return [*nodes[:-1], _flip(nodes[-1], 40)] if nodes else nodes, entries

    def differ(self, pieces: "list[bytes]") -> "list[bytes]":
        at = _first_of(pieces, HASH)
        return pieces if at < 0 else [*pieces[:at], _flip(pieces[at], 20), *pieces[at + 1 :]]


class MutatedValue(WireFault):
    """The first value is another one of the same length."""

    name = "mutated-value"

    def change(self, nodes: "Nodes", entries: "Entries", trie: "Trie", start: bytes) -> "tuple[Nodes, Entries]":
        if not entries:
            return nodes, [(start, b"forged")]
        key, value = entries[0]
        return nodes, [(key, _flip(value, 0) if value else b"\0"), *entries[1:]]

    def differ(self, pieces: "list[bytes]") -> "list[bytes]":
        at = _first_of(pieces, ENTRY_PLACE)
        return pieces if at < 0 else [*pieces[:at], _flip(pieces[at], len(pieces[at]) - 1), *pieces[at + 1 :]]


class Dropped(WireFault):
    """A key that exists is left out: the first, with what it leaves claimed absent."""

    name = "dropped-entry"

    def change(self, nodes: "Nodes", entries: "Entries", trie: "Trie", start: bytes) -> "tuple[Nodes, Entries]":
        return nodes, entries[1:]


class Truncated(WireFault):
    """The last boundary node is missing."""

    name = "truncated"

    def change(self, nodes: "Nodes", entries: "Entries", trie: "Trie", start: bytes) -> "tuple[Nodes, Entries]":
        return nodes[:-1], entries


class Reordered(WireFault):
    """Two boundary nodes have changed places: a child comes before its parent."""

    name = "reordered"

    def change(self, nodes: "Nodes", entries: "Entries", trie: "Trie", start: bytes) -> "tuple[Nodes, Entries]":
        return [*nodes[:-2], nodes[-1], nodes[-2]] if len(nodes) > 1 else nodes, entries


class Padded(WireFault):
    """A true node of another path is added."""

    name = "padded"

    def change(self, nodes: "Nodes", entries: "Entries", trie: "Trie", start: bytes) -> "tuple[Nodes, Entries]":
        for key in (bytes(31), b"\xff" * 31, b"\x80" + bytes(30), b"\x40" + bytes(30)):
            surplus = trie.path(key)[-1:]
            if surplus and surplus[0] not in nodes:
                return nodes + surplus, entries
        return nodes + [bytes(64)], entries


class Repeated(WireFault):
    """The root node comes twice."""

    name = "repeated"

    def change(self, nodes: "Nodes", entries: "Entries", trie: "Trie", start: bytes) -> "tuple[Nodes, Entries]":
        return nodes[:1] + nodes, entries


class Oversized(WireFault):
    """Boundary nodes without end, as far as a megabyte goes."""

    name = "oversized"

    def raw(self, nodes: bytes, entries: bytes) -> "bytes | None":
        return frame(nodes + nodes[:64] * 16384) + frame(entries)


class OtherHeader(WireFault):
    """A true answer, for the parent of the header that was asked about."""

    name = "other-header"

    def other_header(self, chain: "Blocks", header_hash: bytes) -> bytes:
        block = chain.block(header_hash)
        return block.parent if block is not None and chain.trie(block.parent) is not None else header_hash


class ConstantFake(WireFault):
    """What typeberry's IPC socket answers to everything: no boundary nodes, and the value ffff0000."""

    name = "constant-fake"

    def change(self, nodes: "Nodes", entries: "Entries", trie: "Trie", start: bytes) -> "tuple[Nodes, Entries]":
        return [], [(start, b"\xff\xff\0\0")]


class Silent(WireFault):
    """Never answers a state request."""

    name = "silent"
    silent = True


class Refusing(WireFault):
    """Resets every state request: most nodes of today, but for those which close the connection."""

    name = "refusing"
    refuses_state = True


class Unsupporting(WireFault):
    """Closes the connection over a state request, as typeberry does."""

    name = "unsupported"

    def raw(self, nodes: bytes, entries: bytes) -> "bytes | None":
        return b""

    def end(self, connection: "Connection", stream: "Stream") -> bool:
        connection.close(0, "Unsupported stream kind")
        return False


class Cut(WireFault):
    """Ends the stream cleanly in the middle of the second message."""

    name = "cut"

    def raw(self, nodes: bytes, entries: bytes) -> "bytes | None":
        return (frame(nodes) + frame(entries))[: -max(1, len(entries) // 2)]


class CloseAfter(WireFault):
    """Closes the connection after `count` bytes of the answer, written `close-after-COUNT`."""

    name = "close-after"

    def __init__(self, count: int = 0) -> None:
        self.count = count

    def raw(self, nodes: bytes, entries: bytes) -> "bytes | None":
        return (frame(nodes) + frame(entries))[: self.count]

    def end(self, connection: "Connection", stream: "Stream") -> bool:
        connection.close(1, "closed in the middle of an answer")
        return False


class Mute(WireFault):
    """Announces nothing after its handshake."""

    name = "mute"
    mute = True


class Withheld(WireFault):
    """Leaves out the first entry; in a difference, says of its first change that there is none."""

    name = "withheld-change"

    def change(self, nodes: "Nodes", entries: "Entries", trie: "Trie", start: bytes) -> "tuple[Nodes, Entries]":
        return nodes, entries[1:]

    def differ(self, pieces: "list[bytes]") -> "list[bytes]":
        at = _first_of(pieces, ENTRY_PLACE)
        return pieces if at < 0 else [*pieces[:at], bytes((SAME,)), *pieces[at + 1 :]]


class WrongSubtree(WireFault):
    """Says that the two sides of the root are the same; in a difference, of the first two that it shows by hash."""

    name = "wrong-subtree"

    def change(self, nodes: "Nodes", entries: "Entries", trie: "Trie", start: bytes) -> "tuple[Nodes, Entries]":
        return [nodes[0][:32] * 2, *nodes[1:]] if nodes else nodes, entries

    def differ(self, pieces: "list[bytes]") -> "list[bytes]":
        hashes = [at for at, piece in enumerate(pieces) if piece[0] == HASH]
        if len(hashes) < 2:
            return pieces
        return [*pieces[: hashes[1]], pieces[hashes[0]], *pieces[hashes[1] + 1 :]]


def _first_of(pieces: "list[bytes]", op: int) -> int:
    # Where the first place of a kind is, or -1.
    for at, piece in enumerate(pieces):
        if piece[0] == op:
            return at
    return -1


class FalseAttestation(WireFault):
    """Attests blocks that nobody has, and signs that."""

    name = "false-attestation"

    def attest(self, entries: "list[Entry]") -> "list[Entry]":
        return [Entry(true.slot, _flip(true.header_hash, 0), true.set_id, true.level, true.digest) for true in entries]


WIRE_FAULTS: "dict[str, type[WireFault]]" = {
    fault.name: fault
    for fault in (MutatedNode, MutatedValue, Dropped, Truncated, Reordered, Padded, Repeated, Oversized, OtherHeader,
                  ConstantFake, Silent, Refusing, Unsupporting, Cut, CloseAfter, Mute, Withheld, WrongSubtree,
                  FalseAttestation)
}


def known(name: str) -> bool:
    """Whether there is a wire fault of that name."""
    return name in WIRE_FAULTS or (name.startswith(_CLOSE_AFTER) and name[len(_CLOSE_AFTER) :].isdigit())


def describe() -> "list[tuple[str, str]]":
    """Name and first line of each."""
    return [(name, (fault.__doc__ or "").split("\n")[0]) for name, fault in WIRE_FAULTS.items()]


def by_name(name: str) -> WireFault:
    """The fault of a name; LocalError lists the names that there are."""
    if not known(name):
        raise LocalError(f"no wire fault `{name}`; there are: {', '.join(sorted(WIRE_FAULTS))}", 2)
    return WIRE_FAULTS[name]() if name in WIRE_FAULTS else CloseAfter(int(name[len(_CLOSE_AFTER) :]))
