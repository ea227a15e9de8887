"""What the chain's events say to who listens to the node: rows of the tree become hashes and slots."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .node import Node


def tell(node: "Node", name: str, row: int) -> None:
    """The chain said `name` of a row (chain/light.py)."""
    chain = node.chain
    tree = chain.tree
    fields: "dict[str, Any]"
    if name == "reorg":
        # The head was `row`, and is on another branch now: so many blocks and slots of the old one are gone.
        ancestor = tree.common_ancestor(row, tree.best)
        depth = tree.between(row, ancestor)
        if node.alarm is not None:
            node.alarm.reorged(depth)
        fields = {"slot": tree.slots[row], "from": tree.hash(row), "to": tree.hash(tree.best),
                  "ancestor": tree.hash(ancestor), "ancestor_slot": tree.slots[ancestor], "depth": depth,
                  "slots": tree.slots[row] - tree.slots[ancestor]}
    else:
        fields = {"slot": tree.slots[row], "hash": tree.hash(row)}
        if name in ("keys_adopted", "tickets_adopted"):
            fields["blocks_on_top"] = tree.between(tree.best, row)
        elif name == "best":
            fields["level"] = chain.levels.name(row)
            fields["ticket"] = chain.is_ticketed(row)
    node.on_event(name, fields)
