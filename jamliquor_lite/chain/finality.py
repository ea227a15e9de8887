"""What a justification does to the light chain, where a chainspec names its format (justification.py).

A header is final when more than 2/3 of its voters have voted for it or a descendant, and so are its ancestors. Then
they are vouched for as well, so that their marks are adopted, whatever is on another branch goes, and the root follows
at a distance that peers may lag behind.

Who votes: the keys of the header's epoch, but for its first header, which changes the set: there those of the epoch
before. So no justification reaches past a header that changes the set, and that one needs its own (epoch.py).

The vote says what the state after the header is. A child that claims another one is false and goes; where one has been
vouched for, more than a third of one of the sets is dishonest, and nothing is changed: the event "conflict" says so.
Two final blocks of which neither descends from the other say the same (`contradicts`).
"""

from .epoch import TRUSTED, UNKNOWN_SET
from .levels import settle, tell
from .tree import NONE, USED, VOUCHED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .light import LightChain
    from .sets import Set


class FinalBlock:
    """What has been proved of the newest final block. `support` of its voters, of the set `set_id`, voted for it or a
    descendant; `state_root` is that of the state after it."""

    def __init__(self, header_hash: bytes, slot: int, state_root: bytes, support: int, set_id: int) -> None:
        self.header_hash = header_hash
        self.slot = slot
        self.state_root = state_root
        self.support = support
        self.set_id = set_id


def changes_set(chain: "LightChain", row: int) -> bool:
    """Whether this header is the first of its epoch. Of the root nobody knows, and nobody has to."""
    epochs, parent = chain.tree.epochs, chain.tree.parents[row]
    return parent != NONE and epochs[row] != epochs[parent]


def next_to_prove(chain: "LightChain", row: int) -> int:
    """On the way to `row`, the header that has to be final next: the oldest one that changes the set and is not final,
    or `row` itself. NONE where that is final, or the root."""
    tree = chain.tree
    if row == tree.root or tree.slots[row] <= chain.levels.final_slot:
        return NONE
    found = at = row
    while at != tree.root and tree.slots[at] > chain.levels.final_slot:
        if changes_set(chain, at):
            found = at
        at = tree.parents[at]
    return found


def voters(chain: "LightChain", row: int) -> "tuple[Set, int] | None":
    """The keys that vote for a header and their set id (or UNKNOWN_SET). None while one author alone named those keys:
    who chooses the voters proves what he likes."""
    epoch = chain.levels.epoch(chain.tree.parents[row] if changes_set(chain, row) else row)
    return (epoch.keys, epoch.set_id) if epoch.keys_from == TRUSTED else None


def voters_of(chain: "LightChain", set_id: int) -> "tuple[Set, int] | None":
    """The same of the set with that id; None where it is not among the epochs that the tree has."""
    for epoch in chain.epochs:
        if epoch is not None and epoch.set_id == set_id and epoch.keys_from == TRUSTED:
            return epoch.keys, set_id
    return None


def contradicts(chain: "LightChain", header_hash: bytes, slot: int) -> bool:
    """Whether the final block and that one cannot both be final: it is not newer and no ancestor of ours. What is older
    than the root nobody can say."""
    tree = chain.tree
    return tree.slots[tree.root] < slot <= chain.levels.final_slot and tree.find(header_hash) == NONE


def finalize(chain: "LightChain", row: int, state_root: bytes, support: int, set_id: int) -> bool:
    """A justification holds for this header, by `support` of the `voters`, whose set id it says. Whether that is news:
    not where it is final already, nor where it contradicts what has been vouched for."""
    tree, levels = chain.tree, chain.levels
    if tree.slots[row] <= levels.final_slot:
        return False
    for child in range(tree.top):
        if tree.flags[child] & VOUCHED and tree.parents[child] == row and tree.state_root(child) != state_root:
            chain.on_event("conflict", child)
            return False
    best = tree.best
    chain.final = FinalBlock(tree.hash(row), tree.slots[row], state_root, support, set_id)
    levels.final_slot = tree.slots[row]
    _number(chain, row, set_id)
    if not tree.descends(row, best) and not _stays(chain, best, row, state_root):  # told while it is still there
        tree.best = row
        chain.on_event("reorg", best)
    _drop_others(chain, row, state_root)
    if tell(chain, levels.mark(row)):
        settle(chain)
    tree.choose_best()
    chain.on_event("final", row)
    if tree.best != best:
        chain.on_event("best", tree.best)
    _follow(chain, row)
    return True


def _stays(chain: "LightChain", head: int, row: int, state_root: bytes) -> bool:
    # Whether the final block leads to this head, and the next one on the way claims the state that was voted for.
    tree = chain.tree
    top = head
    while head != row and head != NONE and tree.slots[head] > tree.slots[row]:
        top, head = head, tree.parents[head]
    return head == row and (top == row or tree.state_root(top) == state_root)


def _number(chain: "LightChain", row: int, set_id: int) -> None:
    # Where the checkpoint did not say which set votes, the first justification has.
    epoch = chain.levels.epoch(chain.tree.parents[row] if changes_set(chain, row) else row)
    if epoch.set_id != UNKNOWN_SET or set_id == UNKNOWN_SET:
        return
    epoch.set_id = set_id
    tree, found = chain.tree, True
    while found:
        found = False
        for at in range(tree.top):
            if tree.flags[at] & USED and changes_set(chain, at):
                above, own = chain.levels.epoch(tree.parents[at]), chain.levels.epoch(at)
                if own.set_id == UNKNOWN_SET != above.set_id:
                    own.set_id = above.set_id + 1
                    found = True
                elif above.set_id == UNKNOWN_SET != own.set_id:
                    above.set_id = own.set_id - 1
                    found = True


def _drop_others(chain: "LightChain", row: int, state_root: bytes) -> None:
    # From the heads: what does not descend from the final block, nor leads to it, and what claims another state after.
    tree = chain.tree
    for head in range(tree.top):
        if not tree.flags[head] & USED or tree.children[head]:
            continue
        if _stays(chain, head, row, state_root):
            continue
        at = head
        while at != row and not tree.children[at] and at != tree.root:
            above = tree.parents[at]
            chain.levels.uncount(at)
            tree.free(at)
            at = above
    chain.sweep()


def _follow(chain: "LightChain", row: int) -> None:
    # Not up to it: a peer that is some blocks behind has nothing in common with who keeps less. And each step scans
    # the tree: a quarter of an epoch at a time.
    tree = chain.tree
    step = max(1, chain.spec.epoch_length // 4)
    target = tree.slots[row] - step
    if target >= tree.slots[tree.root] + step:
        chain.advance(tree.ancestor_at(row, target))
