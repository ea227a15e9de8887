"""Justifications put together field by field, by an encoder and votes of their own. Runs on both interpreters."""

from jamliquor_lite.codec import natural
from jamliquor_lite.crypto import suite


def target_of(header_hash, state_root, slot):
    """The 68 bytes that a vote is."""
    return header_hash + state_root + slot.to_bytes(4, "little")


def signed(seed, target, round_number, set_id, kind=1):
    """A signed precommit; `kind` is the byte of the message that is signed."""
    message = (b"jam_grandpa_vote" + bytes([kind]) + target + round_number.to_bytes(8, "little")
               + set_id.to_bytes(4, "little"))
    return target + suite.ed25519_sign(seed, message) + suite.ed25519_public(seed)


class Voters:
    """V validators whose seeds are known; `keys` are their set."""

    def __init__(self, count):
        self.seeds = [bytes([7 * i + 1, i >> 8]) * 16 for i in range(count)]
        self.publics = [suite.ed25519_public(seed) for seed in self.seeds]
        self.keys = b"".join(bytes([i & 0xFF]) * 32 + public for i, public in enumerate(self.publics))

    def votes(self, who, target, round_number, set_id):
        """One signed precommit of each."""
        return [signed(self.seeds[i], target, round_number, set_id) for i in who]


def joined(target, votes, round_number, set_id, headers=()):
    """The whole justification."""
    return (round_number.to_bytes(8, "little") + set_id.to_bytes(4, "little") + target + natural.encode(len(votes))
            + b"".join(votes) + natural.encode(len(headers)) + b"".join(headers))
