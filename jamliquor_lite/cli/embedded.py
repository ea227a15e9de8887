"""The embedded dev chain: a devnet in a process of its own, started for `run` and ended with it."""

import collections
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading

from ..const import const
from ..errors import LocalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

_END_SECONDS = const(5)  # what a child gets to end by itself


class EmbeddedDevnet:
    """A context manager. `ready` is the child's first line: addresses, chainspec path and what it serves."""

    def __init__(self, arguments: "list[str]") -> None:
        self._arguments = arguments
        self._folder = tempfile.TemporaryDirectory(prefix="jamliquor-devnet-")
        self._child: "subprocess.Popen[str] | None" = None
        self.ready: "dict[str, Any]" = {}
        self._tail: "collections.deque[str]" = collections.deque(maxlen=1)

    def __enter__(self) -> "EmbeddedDevnet":
        chainspec = os.path.join(self._folder.name, "chainspec.json")
        command = [
            sys.executable,
            "-m",
            "jamliquor_lite.cli.main",
            "devnet",
            "--json",
            "--port",
            "0",
            "--chainspec-out",
            chainspec,
            *self._arguments,
        ]
        self._child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
        )  # Ctrl-C is ours to pass on, once
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        try:
            self.ready = json.loads(line)
        except ValueError:
            self.__exit__(None, None, None)
            raise LocalError(
                "the embedded devnet did not start: %s" % (line.strip() or "it ended at once")
            ) from None
        # What it goes on to print is read, and all but the last line dropped: a full pipe would stop it.
        threading.Thread(target=self._tail.extend, args=(self._child.stdout,), daemon=True).start()
        return self

    @property
    def last(self) -> "dict[str, Any]":
        """What it told last: the fields of its newest event."""
        try:
            found = json.loads(self._tail[-1])
        except (IndexError, ValueError):
            return self.ready
        return found if isinstance(found, dict) else self.ready

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        child = self._child
        if child is not None:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            assert child.stdout is not None
            child.stdout.close()
        self._folder.cleanup()
