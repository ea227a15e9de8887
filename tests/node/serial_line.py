"""A serial line made of two sockets of the loopback, as an emulator offers its UARTs, with a bad wire between them."""

from jamliquor_lite.ports import board
from jamliquor_lite.ports.tcp import CLOSED
from tests.loopback import HOST, listen
from tests.support import skip
from tests.transport.serial_pair import Chance


class SerialLine:
    """`places` are its two ends. `garble`: one byte of so many is turned, lost or doubled; 0 is a sound line."""

    def __init__(self, waker, garble=0, seed=1):
        if board.HEAP_BYTES:
            skip("a board does not dial itself")
        found = [listen(waker), listen(waker)]
        self.places = [("/serial/socket://%s:%d" % (HOST, port), 0) for _, port in found]
        self.garble = garble
        self.moved = 0
        self.spoiled = 0
        self._chance = Chance(seed)
        self._listeners = [listener for listener, _ in found]
        self._ends = [None, None]
        self._buf = memoryview(bytearray(512))
        self._waiting = [b"", b""]  # for each end

    def turn(self):
        """Move what there is."""
        for at in (0, 1):
            if self._ends[at] is not None and self._ends[at].state == CLOSED:
                self._ends[at] = None
            if self._ends[at] is None:
                self._ends[at] = self._listeners[at].accept()
                self._waiting[at] = b""
            self._listeners[at].watch(self._ends[at] is None)
        for at in (0, 1):
            here, there = self._ends[at], self._ends[1 - at]
            if here is None:
                continue
            if not self._waiting[1 - at]:
                size = here.recv_into(self._buf, 0, 512)
                if size > 0 and there is not None:
                    self.moved += size
                    self._waiting[1 - at] = self._spoil(bytes(self._buf[:size]))
            if self._waiting[at]:
                taken = here.send(memoryview(self._waiting[at]), 0, len(self._waiting[at]))
                self._waiting[at] = self._waiting[at][taken:]
            here.watch(True, len(self._waiting[at]) > 0)

    def break_off(self, at):
        """Unplug one end."""
        if self._ends[at] is not None:
            self._ends[at].close()

    def close(self):
        for listener in self._listeners:
            listener.close()
        for end in self._ends:
            if end is not None:
                end.close()

    def _spoil(self, data):
        if not self.garble:
            return data
        out = bytearray()
        for byte in data:
            what = self._chance.below(3 * self.garble)
            if what == 0:
                out.append(byte ^ 0x40)
            elif what == 1:
                out.extend(bytes([byte, byte]))
            elif what != 2:
                out.append(byte)
            self.spoiled += what < 3
        return bytes(out)
