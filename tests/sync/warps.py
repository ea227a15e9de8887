"""Fragments put together field by field, for sets of validators whose seeds are known. Runs on both interpreters."""

from jamliquor_lite.codec.natural import encode
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.crypto import suite
from jamliquor_lite.sync.warp_progress import Progress
from tests.chain.votes import joined, signed, target_of
from tests.data.handmade import Parts, counted

GENESIS = counted(11, 32)


class Validators:
    """The validators that vote as one set; `keys` is what an epoch mark says of them."""

    def __init__(self, number, spec=TINY):
        self.seeds = [bytes([number + 1, i & 0xFF, i >> 8, 7]) * 8 for i in range(spec.validators)]
        self.publics = [suite.ed25519_public(seed) for seed in self.seeds]
        self.keys = b"".join([bytes([number, i & 0xFF]) * 16 + public for i, public in enumerate(self.publics)])


class Warps:
    """A chain seen by its set-change blocks alone: `headers` and `fragments` of sets 0, 1, 2 …"""

    def __init__(self, count, spec=TINY, struck=(), voters=None):
        self.spec = spec
        self.validators = [Validators(number, spec) for number in range(count + 2)]
        self.keys = [one.keys for one in self.validators]
        for number, place in struck:  # of that set an offender is left with zeros
            keys = self.keys[number]
            self.keys[number] = keys[: 64 * place] + bytes(64) + keys[64 * (place + 1) :]
        self.entropies = [counted(40 + number, 32) for number in range(count + 1)]  # eta_0 before each change
        self.headers, self.fragments, self.targets = [], [], []
        for number in range(count):
            parts = Parts((number + 1) * spec.epoch_length + number % 3, number)
            parts.parent = counted(90 + number, 32)
            before = self.entropies[number - 1] if number else counted(39, 32)
            parts.epoch_mark = self.entropies[number] + before + self.keys[number + 2]
            if number % 2:
                parts.offenders = [counted(82, 32)]
            self.headers.append(parts)
            target = target_of(suite.blake2b_256(parts.bytes()), counted(60 + number, 32), parts.slot)
            self.targets.append(target)
            self.fragments.append(parts.bytes() + self.justified(number, target, voters))

    def justified(self, number, target, who=None, round_number=3, set_id=None):
        """A justification for any target by validators of a set."""
        who = range(2 * self.spec.validators // 3 + 1) if who is None else who
        seeds = self.validators[number].seeds
        set_id = number if set_id is None else set_id
        votes = [signed(seeds[i], target, round_number, set_id) for i in who]
        return joined(target, votes, round_number, set_id)

    def start(self):
        """Genesis, as a progress."""
        return Progress(GENESIS, GENESIS, 0, GENESIS, 0, self.keys[0], self.keys[1],
                        [counted(39, 32), counted(38, 32), counted(37, 32)])

    def answer(self, first, most=99):
        """The content of a CE 153 answer."""
        found = self.fragments[first : first + most]
        return encode(len(found)) + b"".join(found)


def feed(warp, data, step=0):
    """Feed one fragment by pieces; how many bytes it took."""
    at = 0
    while at < len(data) and not warp.is_done:
        end = min(at + step, len(data)) if step else len(data)
        taken = warp.feed(data, at, end)
        assert taken > 0 or warp.is_done
        at += taken
    return at
