"""Two ends of a serial link over a line of ours, which loses, garbles, cuts, doubles, adds; time is a number."""

from jamliquor_lite.transport.serial_link import CLOSED, OPEN, SerialLink


class Chance:
    """Numbers that look like chance, the same for the same seed, in 30 bits on either interpreter."""

    def __init__(self, seed):
        self._state = (seed * 2654435 + 97531) & 0x3FFFFFFF or 1

    def below(self, bound):
        x = self._state
        x ^= x << 13 & 0x3FFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0x3FFFFFFF
        self._state = x
        return (x >> 5) % bound

    def of_thousand(self, share):
        return self.below(1000) < share


class Wire:
    """One direction. Shares are of a thousand frames: `lose` whole, `garble` a byte, `cut` short, `double`, `noise`."""

    def __init__(self, chance, lose=0, garble=0, cut=0, double=0, noise=0, delay_ms=1):
        self.chance = chance
        self.shares = (lose, garble, cut, double, noise)
        self.delay_ms = delay_ms
        self.is_cut = False
        self.frames = 0
        self._queue = []

    def put(self, data, now):
        self.frames += 1
        lose, garble, cut, double, noise = self.shares
        chance = self.chance
        if self.is_cut or chance.of_thousand(lose):
            return
        data = bytearray(data)
        if chance.of_thousand(garble):
            data[chance.below(len(data))] ^= 1 + chance.below(255)
        if chance.of_thousand(cut):
            data = data[: chance.below(len(data))]
        if chance.of_thousand(double):
            data = data + data
        if chance.of_thousand(noise):
            data = bytearray([chance.below(256) for _ in range(chance.below(300))]) + data
        self._queue.append((now + self.delay_ms, bytes(data)))

    def take(self, now):
        found = b""
        while self._queue and self._queue[0][0] <= now:
            found += self._queue.pop(0)[1]
        return found


class Pair:
    """`dialer` and `acceptor`. What was handed to each end to send, and what the other received, for comparison."""

    def __init__(self, seed=1, window=4, **shares):
        self.chance = Chance(seed)
        self.dialer, self.acceptor = SerialLink(window), SerialLink(window)
        self.ends = (self.dialer, self.acceptor)
        self.wires = (Wire(self.chance, **shares), Wire(self.chance, **shares))  # from the dialer, from the acceptor
        self.now = 1000
        self.ids = 0
        self.acceptor.next_id = self.new_id()
        self.received = (bytearray(), bytearray())  # by each end
        self.is_over = [False, False]
        self.readers = [1000, 1000]  # bytes that each end reads a step
        self._buf = memoryview(bytearray(1000))

    def new_id(self):
        self.ids += 1
        return bytes([self.ids, self.chance.below(256), self.chance.below(256), self.chance.below(256)])

    def dial(self):
        self.dialer.dial(self.new_id(), self.now)
        is_open = self.until(lambda: self.dialer.state == OPEN and self.acceptor.state == OPEN)
        if is_open:
            self.is_over = [False, False]
        return is_open

    def step(self, ms=1):
        """Let time pass, and everything that is due go over the wires."""
        self.now += ms
        for at in (0, 1):
            end, wire = self.ends[at], self.wires[at]
            data = self.wires[1 - at].take(self.now)
            end.feed(data, 0, len(data), self.now)
            if self.readers[at]:
                count = end.recv_into(self._buf, 0, self.readers[at], self.now)
                if count < 0:
                    self.is_over[at] = True
                else:
                    self.received[at].extend(self._buf[:count])
            while end.outlet(self.now):
                wire.put(bytes(end.out[end.out_start : end.out_end]), self.now)
                end.sent(end.out_end - end.out_start)

    def until(self, condition, ms=60_000):
        """Step until it holds; False when it does not within so many ms. Sleeps as long as the ends say they may."""
        late = self.now + ms
        while not condition():
            if self.now >= late:
                return False
            self.step()
        return True

    def carry(self, data, back=b""):
        """Send `data` from the dialer and `back` from the acceptor, while time passes; whether all arrived."""
        views, at = (memoryview(data), memoryview(back)), [0, 0]
        starts = [len(got) for got in self.received]
        late = self.now + 600_000
        while self.now < late:
            for side in (0, 1):
                if at[side] < len(views[side]):
                    at[side] += self.ends[side].send(views[side], at[side], len(views[side]))
            self.step()
            if self.is_over[0] or self.is_over[1] or self.dialer.state == CLOSED:
                break
            if len(self.received[1]) - starts[1] == len(data) and len(self.received[0]) - starts[0] == len(back):
                break
        self.sent = (data[: at[0]], back[: at[1]])
        return self.received[1][starts[1] :] == data and self.received[0][starts[0] :] == back
