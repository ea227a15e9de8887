"""The step of measure.py that follows a chain: a board's whole program, from its files to its turns.

The folder holds board.conf, start.cbor, `profile` (lines of `name number`, as a board's `_board.PROFILE`) and `flash`
(lines of `area offset size`, and the file `flash.bin` is the flash). The heap is looked at after each header, once the
garbage is gone; questions about state are asked on the way.
"""

import gc

from measure_common import used

ASK_EVERY = 20  # headers
WINDOW = 50  # headers: several epochs of tiny, by ticket and by fallback
COUNTED = 40  # headers, the last ones, whose garbage is counted
PATIENCE_MS = 60_000
KEY = bytes([11]) + bytes(30)  # C(11): the slot


class FileFlash:
    """Flash in a file, as the block device of a board has it."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "r+b")
        self._erased = b"\xff" * 64

    def readblocks(self, block: int, buf: bytearray, offset: int = 0) -> None:
        """Read from `offset` of a block on."""
        self._file.seek(4096 * block + offset)
        self._file.readinto(buf)

    def writeblocks(self, block: int, buf: bytearray, offset: int = 0) -> None:
        """Write from `offset` of a block on."""
        self._file.seek(4096 * block + offset)
        self._file.write(buf)

    def ioctl(self, op: int, arg: int) -> int:
        """5: bytes of a block; 6: erase one."""
        if op == 5:
            return 4096
        if op == 6:
            self._file.seek(4096 * arg)
            for _ in range(64):
                self._file.write(self._erased)
        return 0


def table(path: str) -> "dict[str, tuple[int, ...]]":
    """name -> numbers, of each line."""
    found = {}
    with open(path) as file:
        for line in file:
            words = line.split()
            found[words[0]] = tuple([int(word) for word in words[1:]])
    return found


class Watch:
    """Fed after each turn, as a board's watchdog is. `board` is its BoardNode; `key` is asked for, if any. With
    `counts` nothing is collected at the end, and what was taken of the heap is told instead of what lives."""

    def __init__(self, board: "object", goal: int, key: bytes, counts: bool = False) -> None:
        self.board = board
        self.goal = goal
        self.key = key
        self.ask = None
        self.asked = self.answered = self.not_sealed = self.late = 0
        self.seen = self.live = self.peak = 0
        self.first = 0  # the most that lived in a window of headers
        self.windows = 0
        self.counts = counts
        self.turns = 0

    def feed(self) -> None:
        """Look at the heap; ask; end when the goal is reached."""
        now = gc.mem_alloc()
        if now > self.peak:
            self.peak = now
        node = self.board.node
        if node is None:
            return
        if self.key:
            self._ask(node)
        headers = node.chain.headers_checked
        if self.counts:
            self._count(node, headers)
            return
        if headers == self.seen:
            return
        window = headers // WINDOW != self.seen // WINDOW
        self.seen = headers
        if window:
            print("live to %d" % headers, self.live)
            self.live = 0
        now = used()
        if now > self.live:
            self.live = now
        if headers >= self.goal:
            self.board.is_ending = True

    def _count(self, node: "object", headers: int) -> None:
        if not self.turns:
            if headers < self.goal - COUNTED or node.catching_up:
                return  # what comes by itself is counted, a header at a time
            gc.collect()
            gc.disable()
            self.seen, self.turns, self.live = headers, node.turns, gc.mem_alloc()
        elif headers >= self.seen + COUNTED:
            taken = gc.mem_alloc() - self.live
            gc.enable()
            print("garbage", taken)
            print("headers counted", headers - self.seen)
            print("turns counted", node.turns - self.turns)
            self.board.is_ending = True

    def _ask(self, node: "object") -> None:
        ask = self.ask
        if ask is None:
            if node.chain.headers_checked >= ASK_EVERY * (self.asked + 1) and not node.catching_up:
                self.asked += 1
                self.ask = node.begin_ask(self.key, self.key, 2, 0, PATIENCE_MS)
        elif ask.is_done:
            self.ask = None
            if ask.error is not None:
                print("ERROR", ask.error)
            else:
                assert ask.answer.entries[0].value is not None and ask.answer.level == "vouched"
                self.answered += 1


def follow(folder: str, headers: str, manner: str = "asked") -> None:
    """The whole program follows so many headers: console, flash and all. With `quiet` and `counted` nobody asks
    anything."""
    profile, pools = _made(folder)
    before = used()
    # From here on in the order of firmware/main.py.
    import jamliquor_lite.crypto.suite
    import jamliquor_lite.transport.connection  # noqa: F401
    from jamliquor_lite.boot import Boot
    from jamliquor_lite.ports import board

    print("modules", used() - before)
    before = used()
    board.FLASH = table(folder + "/flash")
    flash = FileFlash(folder + "/flash.bin")
    board.block_device = lambda: flash
    boot = Boot(profile, pools, folder)
    watch = Watch(boot.node, int(headers), KEY if manner == "asked" else b"", manner == "counted")
    board.feed_watchdog = watch.feed
    print("boot", used() - before)
    boot.run()
    _tell(boot.node.node, watch)


def _made(folder: str) -> "tuple[object, object]":
    # The board's profile, and the pools.
    from jamliquor_lite.budget.profile import Profile

    numbers = table(folder + "/profile")
    for name in numbers:
        setattr(Profile, name, numbers[name][0])
    numbers = None
    profile = Profile()
    from jamliquor_lite.budget.pools import Pools

    pools = Pools(profile)
    pools.fill()
    print("pools", used())
    gc.threshold(1024)
    return profile, pools


def _tell(node: "object", watch: Watch) -> None:
    tree = node.chain.tree
    print("headers", node.chain.headers_checked)
    print("refused", sum(node.chain.refused.values()))
    print("epochs", node.chain.epochs_seen)
    print("adopted", node.chain.adopted_marks)
    lag, row = 0, tree.best
    while row != node.chain.best_vouched():
        lag, row = lag + 1, tree.parents[row]
    print("head lag", lag)
    print("asked", watch.asked)
    print("answered", watch.answered)
    print("peak", watch.peak)


STEPS = {"follow": follow}
