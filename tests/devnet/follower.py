"""A follower of headers written for the devnet's tests only, from the Gray Paper and apart from chain/.

It holds whole sequences and knows one chain; it shares nothing with the code under test but the VRF and the hash.
"""

import hashlib

from jamliquor_lite.crypto.suite import vrf_verify


def blake(data):
    return hashlib.blake2b(data, digest_size=32).digest()


class Wrong(Exception):
    """A rule was broken; str() is its name."""


def need(condition, rule):
    if not condition:
        raise Wrong(rule)


class Reader:
    def __init__(self, data, pos=0):
        self.data, self.pos = data, pos

    def take(self, count):
        need(self.pos + count <= len(self.data), "length")
        self.pos += count
        return self.data[self.pos - count : self.pos]

    def number(self, count):
        return int.from_bytes(self.take(count), "little")

    def natural(self):
        first = self.number(1)
        extra = 0
        while first & (0x80 >> extra):
            extra += 1
        return ((first & (0xFF >> extra)) << 8 * extra if extra < 8 else 0) + self.number(extra)


class Parsed:
    """A header, taken apart."""

    def __init__(self, spec, data, pos=0):
        r = Reader(data, pos)
        self.parent, self.root, self.body_hash = r.take(32), r.take(32), r.take(32)
        self.slot = r.number(4)
        self.epoch_mark = None
        if r.number(1):
            self.epoch_mark = (r.take(32), r.take(32), [(r.take(32), r.take(32)) for _ in range(spec.validators)])
        self.tickets_mark = None
        if r.number(1):
            self.tickets_mark = [(r.take(32), r.number(1)) for _ in range(spec.epoch_length)]
        self.author = r.number(2)
        self.entropy_signature = r.take(96)
        self.offenders = [r.take(32) for _ in range(r.natural())]
        self.unsigned = data[pos : r.pos]
        self.seal = r.take(96)
        self.end = r.pos
        self.hash = blake(data[pos : r.pos])


class Follower:
    """Starts at a block whose posterior state entries C(4), C(6) and C(8) are given."""

    def __init__(self, spec, header_hash, slot, c4, c6, c8):
        self.spec, self.head, self.slot = spec, header_hash, slot
        size, length = spec.validators, spec.epoch_length
        pairs = [(c8[i * 336 : i * 336 + 32], c8[i * 336 + 32 : i * 336 + 64]) for i in range(size)]
        self.active = pairs
        self.next = [(c4[i * 336 : i * 336 + 32], c4[i * 336 + 32 : i * 336 + 64]) for i in range(size)]
        self.eta = [c6[32 * i : 32 * i + 32] for i in range(4)]
        r = Reader(c4, size * 336 + 144)
        if r.number(1):
            self.tickets, self.fallback = None, [r.take(32) for _ in range(length)]
        else:
            self.tickets, self.fallback = [(r.take(32), r.number(1)) for _ in range(length)], None
        count = r.natural()
        waiting = [(r.take(32), r.number(1)) for _ in range(count)]
        need(r.pos == len(c4), "C(4) length")
        self.next_tickets = None
        if count == length and slot % length >= spec.tickets_end:
            self.next_tickets = outside_in(waiting)
        self.seen = {"ticket": 0, "fallback": 0, "epoch": 0, "tickets_mark": 0, "struck": 0}

    def follow(self, h):
        spec, length = self.spec, self.spec.epoch_length
        need(h.parent == self.head, "parent")
        need(h.slot > self.slot, "slot")
        (old, phase), (epoch, now) = divmod(self.slot, length), divmod(h.slot, length)
        eta = list(self.eta)
        need((h.epoch_mark is not None) == (epoch > old), "epoch mark")
        if epoch > old:
            need(h.epoch_mark[:2] == (eta[0], eta[1]), "epoch mark entropy")
            eta = [eta[0], eta[0], eta[1], eta[2]]
            self.active, self.next = self.next, h.epoch_mark[2]
            self.tickets = self.next_tickets if epoch == old + 1 and phase >= spec.tickets_end else None
            self.fallback = None
            if self.tickets is None:
                picks = [blake(eta[2] + i.to_bytes(4, "little"))[:4] for i in range(length)]
                self.fallback = [self.active[int.from_bytes(p, "little") % spec.validators][0] for p in picks]
            self.next_tickets = None
            self.seen["epoch"] += 1
            self.seen["struck"] += sum(1 for pair in self.next if not any(pair[0]))
        if h.tickets_mark is not None:
            need(epoch == old and phase < spec.tickets_end <= now, "tickets mark position")
            need(outside_in(sorted(h.tickets_mark)) == h.tickets_mark, "tickets mark order")
            need(len(set(t[0] for t in h.tickets_mark)) == length, "tickets mark repeats")
            self.next_tickets = h.tickets_mark
            self.seen["tickets_mark"] += 1
        need(h.author < spec.validators, "author")
        key = self.active[h.author][0]
        need(any(key), "struck out")
        if self.tickets:
            ident, attempt = self.tickets[now]
            out = vrf_verify(key, b"jam_ticket_seal" + eta[3] + bytes([attempt]), h.unsigned, h.seal)
            need(out is not None, "seal")
            need(out == ident, "ticket")
            self.seen["ticket"] += 1
        else:
            need(self.fallback[now] == key, "fallback author")
            out = vrf_verify(key, b"jam_fallback_seal" + eta[3], h.unsigned, h.seal)
            need(out is not None, "seal")
            self.seen["fallback"] += 1
        fresh = vrf_verify(key, b"jam_entropy" + out, b"", h.entropy_signature)
        need(fresh is not None, "entropy")
        eta[0] = blake(eta[0] + fresh)
        self.eta, self.head, self.slot = eta, h.hash, h.slot


def outside_in(items):
    result = []
    low, high = 0, len(items) - 1
    while low <= high:
        result.append(items[low])
        if low < high:
            result.append(items[high])
        low, high = low + 1, high - 1
    return result


def root_of(items):
    """The Merkle root of a state, straight from the definition in appendix D.2."""

    def bits(key, depth):
        return key[depth // 8] >> (7 - depth % 8) & 1

    def top(part, depth):
        if not part:
            return bytes(32)
        if len(part) == 1:
            key, value = part[0]
            if len(value) <= 32:
                return blake(bytes([0x80 | len(value)]) + key + value.ljust(32, b"\0"))
            return blake(b"\xc0" + key + blake(value))
        left = top([p for p in part if not bits(p[0], depth)], depth + 1)
        right = top([p for p in part if bits(p[0], depth)], depth + 1)
        return blake(bytes([left[0] & 0x7F]) + left[1:] + right)

    return top(list(items), 0)
