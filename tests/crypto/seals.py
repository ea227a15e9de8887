"""Real seals: follows a chain file of the vectors far enough to know what every seal and entropy signature signs.

Written apart from `chain/`, so that a mistake there cannot hide one here. It reads the file as it goes, since a
MicroPython heap does not hold it.
"""

from jamliquor_lite.chain.header import Header
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.crypto.suite import blake2b_256

_VALIDATOR = 336  # in the state: Bandersnatch 32, Ed25519 32, BLS 144, metadata 128


def _head(file):
    first = file.read(1)[0]
    kind = first >> 5
    value = first & 31
    if value >= 24:
        value = int.from_bytes(file.read(1 << (value - 24)), "big")
    return kind, value


def _skip(file):
    kind, value = _head(file)
    if kind in (2, 3):
        file.seek(value, 1)
    elif kind in (4, 5):
        for _ in range(value * (kind - 3)):
            _skip(file)


def _bytes(file):
    kind, size = _head(file)
    assert kind in (2, 3)
    return file.read(size)


def _fields(file):
    for _ in range(_head(file)[1]):
        yield _bytes(file)


def _validators(value):
    return [value[i * _VALIDATOR : i * _VALIDATOR + 32] for i in range(TINY.validators)]


def follow(path, limit, verify):
    """Call `verify(public, data, aux, proof)` for both signatures of the first `limit` headers; it must return the
    output. Returns the counts {"fallback", "ticket", "entropy"}."""
    counts = {"fallback": 0, "ticket": 0, "entropy": 0}
    entropy = keys = next_keys = tickets = next_tickets = None
    slot = 0
    with open(path, "rb") as file:
        for field in _fields(file):
            if field == b"genesis":
                for part in _fields(file):
                    if part != b"state":
                        _skip(file)
                        continue
                    for key in _fields(file):
                        if key[1:] != bytes(30) or key[0] not in (4, 6, 8):
                            _skip(file)
                        elif key[0] == 4:
                            next_keys = _validators(_bytes(file))
                        elif key[0] == 6:
                            value = _bytes(file)
                            entropy = [value[i : i + 32] for i in range(0, 128, 32)]
                        else:
                            keys = _validators(_bytes(file))
            elif field == b"blocks":
                for _ in range(min(limit, _head(file)[1])):
                    for part in _fields(file):
                        if part != b"block":
                            _skip(file)
                            continue
                        header = Header(TINY, _bytes(file))
                        if header.slot // 12 > slot // 12:
                            tickets = next_tickets if header.slot // 12 == slot // 12 + 1 else None
                            next_tickets = None
                            entropy = [entropy[0], entropy[0], entropy[1], entropy[2]]
                            marked = header.mark_keys
                            keys, next_keys = next_keys, [marked[i * 64 : i * 64 + 32] for i in range(6)]
                        slot = header.slot
                        if header.tickets_mark:
                            next_tickets = header.tickets
                        public = keys[header.author]
                        if tickets is None:
                            kind, data = "fallback", b"jam_fallback_seal" + entropy[3]
                        else:
                            at = slot % 12 * 33
                            kind, data = "ticket", b"jam_ticket_seal" + entropy[3] + tickets[at + 32 : at + 33]
                        output = verify(public, data, header.unsigned, header.seal)
                        assert output is not None, (kind, slot)
                        assert tickets is None or output == tickets[at : at + 32], slot
                        fresh = verify(public, b"jam_entropy" + output, b"", header.entropy_signature)
                        assert fresh is not None, slot
                        entropy[0] = blake2b_256(entropy[0] + fresh)
                        counts[kind] += 1
                        counts["entropy"] += 1
                return counts
            else:
                _skip(file)
    raise AssertionError("no blocks in " + path)
