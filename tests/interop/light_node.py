"""Our own node as a person runs it: the command in a process of its own, read by its JSON lines."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.interop.started import Started

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Event = dict[str, Any]

_ROOT = Path(__file__).resolve().parent.parent.parent
_POLL_S = 0.05
_STOP_S = 20.0
_COMMAND = (sys.executable, "-m", "jamliquor_lite.cli.main")


class LightNode(Started):
    """`jamliquor-lite run --json …` with the given arguments, or another command. `events` grows while it runs.

    After stop(): `summary` is its last line, `returncode` and `errors` (its standard error) what it left.
    """

    def __init__(self, arguments: "Sequence[str]", command: str = "run") -> None:
        self.events: "list[Event]" = []
        self.summary: "Event" = {}
        self.errors = ""
        self.returncode: "int | None" = None
        self._arguments = [*_COMMAND, command, "--json", "--listen-addr", "127.0.0.1", *arguments]

    def named(self, name: str) -> "list[Event]":
        """Events of that name so far."""
        return [event for event in list(self.events) if event.get("event") == name]

    @property
    def lost(self) -> "list[Event]":
        """Connections that stood and ended before the node did. Dials that a busy machine did not finish in time are
        none: the node tries again."""
        there, found = set(), []
        for event in list(self.events):
            peer = event.get("peer")
            if event.get("event") == "peer":
                there.add(peer)
            elif event.get("event") == "peer_left" and peer in there:
                there.remove(peer)
                found.append(event)
        return found

    def wait_until(self, condition: "Callable[[LightNode], bool]", timeout_s: float, what: str,
                   other: object = "") -> None:
        """Wait until `condition(self)`; AssertionError when the node ends or the time does. It says what `other` is
        then."""
        until = time.monotonic() + timeout_s
        while not condition(self):
            last = self.events[-3:]
            if self._process.poll() is not None:
                self.stop()
                raise AssertionError("the node ended before %s: %s" % (what, self.errors or last))
            assert time.monotonic() < until, "not within %d s: %s; last %s %s" % (
                timeout_s, what, last, other)
            time.sleep(_POLL_S)

    def start(self) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            self._arguments,
            cwd=_ROOT,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._readers = [threading.Thread(target=self._read_events), threading.Thread(target=self._read_errors)]
        for reader in self._readers:
            reader.start()

    def pause(self) -> None:
        """Stop it where it is, as a machine that sleeps."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Have it go on."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Interrupt it as a person would, and read the rest."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for reader in self._readers:
            reader.join()
        self.returncode = self._process.returncode
        self.summary = next((e for e in reversed(self.events) if "best_slot" in e and "bytes_in" in e), {})

    def _read_events(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self.events.append(json.loads(line))

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as errors:
            self.errors = errors.read()


def ask_state(arguments: "Sequence[str]", timeout_s: float = 90.0) -> "tuple[int, Event, str]":
    """`jamliquor-lite state --json …`: (exit code, its answer or {}, its standard error)."""
    done = subprocess.run(
        [*_COMMAND, "state", "--json", "--listen-addr", "127.0.0.1", *arguments],
        cwd=_ROOT, env=_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=timeout_s, check=False,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout.strip() else {}, done.stderr


def _environment() -> "dict[str, str]":
    # A person's own settings must not decide what a test sees.
    return {name: value for name, value in os.environ.items() if not name.startswith("JAMLIQUOR_")}
