"""Processes that others wrote, as tests run them: started with a log, awaited by what they say, never left behind."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

from tests.interop.started import Started

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_POLL_S = 0.05
_STOP_S = 5.0  # a process that has not ended by then is killed
_TAIL_LINES = 15
_LOG_SEARCH_BYTES = 8 * 1024 * 1024  # a process that writes without end must not fill our memory


class ForeignError(Exception):
    """A foreign process could not be installed or started, or ended when it should not have. One clear line."""


class ForeignProcess(Started):
    """A child in a session of its own, with its output in a file.

    Its standard input is a pipe nobody else holds, so a child that watches it ends with us even when we are killed.
    """

    def __init__(
        self,
        name: str,
        argv: "Sequence[str]",
        cwd: Path,
        environment: "Mapping[str, str] | None" = None,
    ) -> None:
        self.name = name
        self.log = cwd / ("%s.log" % name.replace(" ", "-"))
        self._argv = list(argv)
        self._cwd = cwd
        self._environment = {**os.environ, **(environment or {})}
        self._child: "subprocess.Popen[bytes] | None" = None

    @property
    def pid(self) -> int:
        """Of the running process; 0 when there is none."""
        return self._child.pid if self._child is not None else 0

    def start(self) -> None:
        """Start it; ForeignError when the program cannot be run."""
        with self.log.open("wb") as log:
            try:
                self._child = subprocess.Popen(
                    self._argv,
                    cwd=self._cwd,
                    env=self._environment,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise ForeignError("%s does not start: %s" % (self.name, error))

    def wait_for(self, pattern: str, timeout_s: float) -> "re.Match[str]":
        """The first place in the output that matches. ForeignError when it ends, or is silent for too long."""
        wanted = re.compile(pattern)
        until = time.monotonic() + timeout_s
        while True:
            ended = self.ended()
            match = wanted.search(self.output())
            if match is not None:
                return match
            if ended:
                raise ForeignError("%s ended before it said /%s/:\n%s" % (self.name, pattern, self.tail()))
            if time.monotonic() > until:
                raise ForeignError(
                    "%s did not say /%s/ within %d s:\n%s" % (self.name, pattern, timeout_s, self.tail())
                )
            time.sleep(_POLL_S)

    def output(self) -> str:
        """What it has written so far, from the beginning."""
        with self.log.open("rb") as log:
            return log.read(_LOG_SEARCH_BYTES).decode("utf-8", "replace")

    def tail(self) -> str:
        """Its last lines, for a message."""
        return "\n".join(self.output().splitlines()[-_TAIL_LINES:])

    def ended(self) -> bool:
        """It is not running (any more)."""
        return self._child is None or self._child.poll() is not None

    def stop(self) -> None:
        """End it and everything it started, and wait until that is so."""
        child, self._child = self._child, None
        if child is None:
            return
        assert child.stdin is not None
        child.stdin.close()
        _signal_group(child.pid, signal.SIGTERM)
        try:
            child.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            pass
        _signal_group(child.pid, signal.SIGKILL)
        child.wait()


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass
