"""A sink for headers that are longer than a core's buffer, which remembers what it is told. Runs on both."""

from jamliquor_lite.errors import VerifyError

BUFFER = 297  # a plain header of the tiny spec: each with a mark is longer


class Kept:
    """`found` are the headers that came whole, with the length announced; `log` what was called."""

    def __init__(self, refuse: str = "", room: int = BUFFER) -> None:
        self.found: "list[tuple[bytes, int]]" = []
        self.log = ""
        self._room = room
        self._refuse = refuse  # where to raise: "begin", "write" or "finish"
        self._data = b""
        self._length = 0

    def begin(self, buf, end, length) -> None:
        assert end == min(self._room, length or end), "all that the buffer holds comes at once"
        self.log += "b"
        self._data, self._length = bytes(memoryview(buf)[:end]), length
        self._fail("begin")

    def write(self, buf, start, end) -> None:
        assert 0 < end - start
        if self.log[-1] != "w":
            self.log += "w"
        self._data += bytes(memoryview(buf)[start:end])
        self._fail("write")

    def finish(self) -> None:
        self.log += "f"
        self._fail("finish")
        self.found.append((self._data, self._length))

    def drop(self) -> None:
        self.log += "d"

    def _fail(self, what: str) -> None:
        if self._refuse == what:
            raise VerifyError("slot", "what the sink says")
