"""What both ports must offer, by module. A test compares the twins with this list and with each other.

clock     ticks_ms() -> int, monotonic milliseconds; wall_seconds() -> Unix seconds or None; cpu_us() -> int, processor
          time in microseconds that stands still in waits and may wrap: cpu_diff(later, earlier) -> int
entropy   random_bytes(size) -> bytes
crypto    native(primitive, order=()) -> (implementation or None, why not); primitives are those of `crypto.suite`
          names(primitive, lean=False) -> labels of the natives known, in the order of preference
peer_keys fault(kind, key, signature, message) -> why an RSA, ECDSA or secp256k1 signature does not hold, or ""
tcp       dial(waker, host, port, receive_bytes=0, send_bytes=0) -> TcpLink, resolve(host, port) -> addresses,
          TcpListener(waker, host, port, receive_bytes=0, send_bytes=0): address, accept(), watch(accepting), close(),
          measure() -> how many wait; TcpLink: state, reason, address, recv_into(buf, start, end),
          send(buf, start, end), watch(reading, writing), poll(), close(), abort(), pace(), widen(bytes), measure() ->
          counts or None.
          ports/tcp.py is where both are had from
tty       open_tty(waker, device, baud) -> Tty, or a TcpLink where the device is one; Tty: as TcpLink, and name
waker     Waker(): wake(), wait(timeout_ms)
memory    copy(out, at, buf, start, end): buf[start:end] to out[at:], ValueError when either is too short;
          same(one, at, buf, start, end): whether one[at:] begins with buf[start:end];
          find(table, step, first, buf, start, end): the record that begins with it, or -1
flash     Area(device, offset, size): size, sector_bytes, read_into(offset, buf, start, end), the same for write (onto
          erased bytes), erase(offset, size) by sectors, bytes_written, sectors_erased; a device is of the port's kind
board     block_device(), start_network(), start_watchdog(), feed_watchdog(), memory(), reset_cause(), reset(), and
          numbers: see ports/board.py
store     SlotFile(path): name(slot), read(slot) -> bytes or None, write(slot, head, payload), durable when it returns
"""

CONTRACT = {
    "clock": ("cpu_diff", "cpu_us", "ticks_ms", "wall_seconds"),
    "entropy": ("random_bytes",),
    "crypto": ("names", "native"),
    "peer_keys": ("fault",),
    "memory": ("copy", "find", "same"),
    "flash": ("Area",),
    "board": ("block_device", "feed_watchdog", "memory", "reset", "reset_cause", "start_network", "start_watchdog"),
    "store": ("SlotFile",),
    "tcp": ("CLOSED", "CONNECTING", "OPEN", "TcpLink", "TcpListener", "dial", "resolve"),
    "tty": ("Tty", "open_tty"),
    "waker": ("Waker",),
}
