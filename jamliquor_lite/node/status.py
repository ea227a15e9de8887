"""One flat structure of numbers that says how the node is doing. Everybody who shows anything reads it from here."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .node import Node

FIELDS = (
    "chain", "best_slot", "best_hash", "vouched_slot", "root_slot", "level", "support", "validators", "stalled",
    "headers_checked", "ticket_seals", "fallback_seals", "epochs", "adopted_marks", "equivocations", "tree_headers",
    "headers_refused", "peers", "peers_known", "proved_answers", "refused_answers", "bytes_in", "bytes_out", "clock",
    "final",
)


class Status:
    """Filled by `read`; every attribute is a number or a short text. Slots are JAM slots, bytes UDP payload.

    `level` and `support` are those of the head; `headers_refused` counts headers that broke a rule.
    """

    def __init__(self) -> None:
        for name in FIELDS:
            setattr(self, name, 0)

    def read(self, node: "Node") -> "Status":
        chain = node.chain
        tree = chain.tree
        best = tree.best
        values = (
            node.chain_name, tree.slots[best], tree.hash(best).hex(), tree.slots[chain.best_vouched()],
            tree.slots[tree.root], chain.levels.name(best), tree.supports[best], chain.spec.validators,
            int(chain.stalled), chain.headers_checked, chain.ticket_seals, chain.fallback_seals, chain.epochs_seen,
            chain.adopted_marks, chain.equivocations, tree.count, sum(chain.refused.values()), node.peers.connected,
            len(node.peers.records), node.proved_answers, node.refused_answers, node.bytes_in, node.bytes_out,
            node.clock_name, "not served",
        )
        for name, value in zip(FIELDS, values, strict=True):
            setattr(self, name, value)
        return self

    def as_dict(self) -> "dict[str, int | str]":
        return {name: getattr(self, name) for name in FIELDS}
