"""The votes of a devnet's validators, counted here from its blocks and states: by nobody's code but this."""

from tests.chain.votes import joined, signed, target_of

ROUND = 7


def branch(chain, block):
    """From genesis to the block."""
    found = []
    while block is not None:
        found.append(block)
        block = chain.block(block.parent)
    return found[::-1]


def changes_set(chain, block):
    """Whether it is the first block of its epoch."""
    parent = chain.block(block.parent)
    return parent is not None and chain.spec.epoch(parent.slot) != chain.spec.epoch(block.slot)


def voters(chain, block):
    """(members, set id) that vote for a block: of set 0 up to the first block that changes the set, that included."""
    changes = [at for at in branch(chain, block)[:-1] if changes_set(chain, at)]
    last = changes[-1] if changes else chain.genesis
    return last.state.active.members, len(changes)


def posterior(block):
    """The root of the state after it."""
    return block.state.trie.root()


def justified(chain, block, count=5, root=None, by=None, votes=None):
    """A justification of the block by its first `count` voters, or by those given as (members, set id)."""
    members, set_id = by or voters(chain, block)
    target = target_of(block.hash, root or posterior(block), block.slot)
    voting = [member for member in members if member is not None][:count]
    made = [signed(member.ed25519_secret, target, ROUND, set_id) for member in voting]
    return joined(target, made + (votes or []), ROUND, set_id)
