"""One flat structure of numbers that says how the node is doing. Everybody who shows anything reads it from here."""

from ..ports import board
from ..transport.states import CLASSICAL, HYBRID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .node import Node


class Status:
    """Filled by `read`. Slots are JAM slots; bytes are payload of UDP and TCP; the rest counts, or is a short text.

    `level` and `support` are those of the head. `headers_refused` counts headers that broke a rule. `stalled` is 1
    when nothing newer can be answered until a checkpoint or finality comes. `final` says whether finality is served.
    `peers` are connected, `peers_hybrid` of them with ML-KEM-768 and `peers_classical` without; `peers_refused` counts
    connections that a rule of ours turned away (policy, pin, transcript, size …). `heap_used` and `heap_free` are bytes
    as ports.board.memory has them; the node has made so many `turns` and spent `busy_ms` in them, of all time.
    """

    def __init__(self) -> None:
        self.chain = self.best_hash = self.level = self.clock = ""
        self.final = "not served"
        self.best_slot = self.vouched_slot = self.root_slot = 0
        self.support = self.validators = self.stalled = 0
        self.headers_checked = self.headers_refused = self.ticket_seals = self.fallback_seals = 0
        self.epochs = self.adopted_marks = self.equivocations = self.tree_headers = 0
        self.peers = self.peers_known = self.peers_hybrid = self.peers_classical = self.peers_refused = 0
        self.proved_answers = self.refused_answers = 0
        self.bytes_in = self.bytes_out = 0
        self.heap_used = self.heap_free = self.turns = self.busy_ms = 0

    def read(self, node: "Node") -> "Status":
        """Take all numbers from the node, now."""
        chain = node.chain
        tree = chain.tree
        best = tree.best
        self.chain = node.chain_name
        self.clock = node.clock_name
        self.best_slot = tree.slots[best]
        self.best_hash = tree.hash(best).hex()
        self.vouched_slot = tree.slots[chain.best_vouched()]
        self.root_slot = tree.slots[tree.root]
        self.level = chain.levels.name(best)
        self.support = tree.supports[best]
        self.validators = chain.spec.validators
        self.stalled = int(chain.stalled)
        self.headers_checked = chain.headers_checked
        self.headers_refused = sum(chain.refused.values())
        self.ticket_seals = chain.ticket_seals
        self.fallback_seals = chain.fallback_seals
        self.epochs = chain.epochs_seen
        self.adopted_marks = chain.adopted_marks
        self.equivocations = chain.equivocations
        self.tree_headers = tree.count
        self.peers = node.peers.connected
        self.peers_known = len(node.peers.records)
        suites = [record.suite for record in node.peers.records]
        self.peers_hybrid = suites.count(HYBRID)
        self.peers_classical = suites.count(CLASSICAL)
        self.peers_refused = sum(sum(carrier.refused.values()) for carrier in node.carriers)
        self.proved_answers = node.proved_answers
        self.refused_answers = node.refused_answers
        self.bytes_in = node.bytes_in
        self.bytes_out = node.bytes_out
        self.heap_used, self.heap_free = board.memory()
        self.turns = node.turns
        self.busy_ms = node.busy_ms
        return self

    def as_dict(self) -> "dict[str, int | str]":
        """All of it by name."""
        return dict(self.__dict__)
