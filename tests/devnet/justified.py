"""Reads justifications by hand, and checks them apart from chain/: with another Ed25519 and sets from headers."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .follower import Parsed, Reader
from .test_author import follow_from


class Read:
    """A justification, taken apart. `votes` are (target 68, signature, key)."""

    def __init__(self, spec, data, pos=0):
        r = Reader(data, pos)
        self.round, self.set_id = r.number(8), r.number(4)
        self.target = r.take(68)
        self.votes = [(r.take(68), r.take(64), r.take(32)) for _ in range(r.natural())]
        self.headers = []
        for _ in range(r.natural()):
            header = Parsed(spec, data, r.pos)
            self.headers.append(header)
            r.take(header.end - r.pos)
        self.end = r.pos

    def is_signed(self, vote, signature, key, kind=1):
        message = (b"jam_grandpa_vote" + bytes([kind]) + vote + self.round.to_bytes(8, "little")
                   + self.set_id.to_bytes(4, "little"))
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def supporters(self, keys):
        """The distinct members that signed a vote for the target: their keys. Everybody who signed is one."""
        found = set()
        for vote, signature, key in self.votes:
            assert key in keys and key != bytes(32) and self.is_signed(vote, signature, key)
            if vote == self.target:
                found.add(key)
        return found


def target_of(block, root):
    return block.hash + root + block.slot.to_bytes(4, "little")


def sets_of(spec, blocks):
    """By hash of each block but the first, the genesis block: the Ed25519 keys that vote for it, and their set id."""
    follower = follow_from(spec, blocks[0])
    found, set_id = {}, 0
    for block in blocks[1:]:
        found[block.hash] = [pair[1] for pair in follower.active], set_id
        header = Parsed(spec, block.header)
        follower.follow(header)
        set_id += header.epoch_mark is not None
    return found
