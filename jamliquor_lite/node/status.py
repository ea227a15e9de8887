"""One flat structure of numbers that says how the node is doing. Everybody who shows anything reads it from here."""

from ..ports import board, clock
from ..transport.states import CLASSICAL, HYBRID
from .budget_numbers import names, numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .node import Node


NOT_SERVED = "not served"


def budget_names() -> "Iterator[str]":
    """The names of `Status.budgets`, which are attributes too."""
    return names()


class Status:
    """Filled by `read`. Slots are JAM slots; bytes are payload of UDP and TCP; the rest counts, or is a short text.

    `level` and `support` are those of the head. `headers_refused` counts headers that broke a rule. `stalled` is 1
    when nothing newer can be answered until a checkpoint or finality comes. `final` says whether finality is served;
    where it is, there are also `final_slot` and `set_id` (-1: nothing yet), `final_hash`, and how many `double_votes`
    were seen.
    `peers` are connected, `peers_hybrid` of them with ML-KEM-768 and `peers_classical` without; `peers_refused` counts
    connections that a rule of ours turned away (policy, pin, transcript, size …). `heap_used` and `heap_free` are bytes
    as ports.board.memory has them; the node has made so many `turns` and spent `busy_ms` in them, of all time. `mode`
    is full, idle, epoch, asleep, or spent (mode.py). `attested` is "2/3" where so many pinned peers chose the
    checkpoint that the node began with; it is no level, and only there where it is so. `budgets` are the numbers of
    budget_numbers.py in their order; on hosts each can be had by its name as well. Where the node has an alarm
    (alarm.py): how often the head moved to another branch (`reorgs`) and how many blocks went at most (`reorg_depth`),
    how often there was no new head (`stalls`), for how long there is none now (`stall_ms`, 0: there is), and by how
    much the clock seems slow (`clock_skew_s`). A node of mode epoch (epoch_node.py) has `next_jump_s`, and its head is
    what is final.
    """

    final_slot: int
    final_hash: str
    set_id: int
    double_votes: int

    attested = ""
    reorgs: int
    reorg_depth: int
    stalls: int
    stall_ms: int
    clock_skew_s: int
    next_jump_s: int

    def __init__(self) -> None:
        self.chain = self.best_hash = self.level = self.clock = ""
        self.final = NOT_SERVED
        self.best_slot = self.vouched_slot = self.root_slot = 0
        self.support = self.validators = self.stalled = 0
        self.headers_checked = self.headers_refused = self.ticket_seals = self.fallback_seals = 0
        self.epochs = self.adopted_marks = self.equivocations = self.tree_headers = 0
        self.peers = self.peers_known = self.peers_hybrid = self.peers_classical = self.peers_refused = 0
        self.proved_answers = self.refused_answers = 0
        self.bytes_in = self.bytes_out = 0
        self.heap_used = self.heap_free = self.turns = self.busy_ms = 0
        self.mode = "full"
        self.budgets: "list[int]" = [0 for _ in names()]

    def read(self, node: "Node") -> "Status":
        """Take all numbers from the node, now."""
        chain = node.chain
        tree = chain.tree
        best = tree.best
        self.chain = node.chain_name
        self.clock = "chain" if chain.clock_chain else "unknown" if clock.wall_seconds() is None else "set(system)"
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
        if node.finality is not None:
            node.finality.tell(self)
        if node.peers.attested:
            self.attested = node.peers.attested
        if node.mode is not None:
            self.mode = node.mode.word
        if node.alarm is not None:
            node.alarm.tell(self)
        at = 0
        for number in numbers(node):
            self.budgets[at] = number
            at += 1
        return self

    def take(self, wanted: "tuple[str, ...]") -> "list[int]":
        """Some of the budgets' numbers by name."""
        found = [-1] * len(wanted)
        at = 0
        for name in names():
            if name in wanted:
                found[wanted.index(name)] = self.budgets[at]
            at += 1
        return found

    def __getattr__(self, name: str) -> int:
        # What is no attribute: one of the budgets' numbers. Slow, for those who look at a few of them.
        if name not in names():
            raise AttributeError(name)
        return self.take((name,))[0]

    def as_dict(self) -> "dict[str, int | str]":
        """All of it by name."""
        found = dict(self.__dict__)
        found.pop("budgets")
        found.update(self.budgets_by_name())
        return found

    def budgets_by_name(self) -> "dict[str, int]":
        """The budgets' numbers."""
        return dict(zip(names(), self.budgets))
