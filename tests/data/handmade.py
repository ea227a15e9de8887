"""Headers put together field by field, by an encoder of their own (GP 0.7.2, C.22). Runs on both interpreters."""


def counted(first, size):
    """`size` bytes that differ from their neighbours and from the same place in another field."""
    period = bytes([(first + 7 * i) & 0xFF for i in range(256)])
    return (period * (size // 256 + 1))[:size]


class Parts:
    """The fields of a header; `bytes()` joins them. Marks are None where there is none."""

    def __init__(self, slot=0x01020304, author=0x0506):
        self.parent = counted(1, 32)
        self.prior_state_root = counted(2, 32)
        self.extrinsic_hash = counted(3, 32)
        self.slot = slot
        self.epoch_mark = None
        self.tickets_mark = None
        self.author = author
        self.entropy_signature = counted(4, 96)
        self.offenders = []
        self.seal = counted(5, 96)

    def unsigned(self):
        out = self.parent + self.prior_state_root + self.extrinsic_hash + self.slot.to_bytes(4, "little")
        for mark in (self.epoch_mark, self.tickets_mark):
            out += b"\0" if mark is None else b"\1" + mark
        out += bytes([self.author & 0xFF, self.author >> 8]) + self.entropy_signature
        assert len(self.offenders) < 128  # one byte of length is enough here
        return out + bytes([len(self.offenders)]) + b"".join(self.offenders)

    def bytes(self):
        return self.unsigned() + self.seal


def outside_in(tickets):
    """Z of GP 0.7.2 (6.25): first, last, second, last but one, and so on."""
    out = []
    low, high = 0, len(tickets) - 1
    while low < high:
        out += [tickets[low], tickets[high]]
        low += 1
        high -= 1
    return out + tickets[low : high + 1]
