"""The state trie of @typeberry/lib in a Node.js child (js/trie_peer.mjs): roots and CE 129 answers not made by us."""

import json
import subprocess
from collections import deque

from tests.interop.started import Started

from .foreign import ForeignError
from .node_packages import SCRIPTS, install, node_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    State = list[tuple[bytes, bytes]]

_STOP_S = 5.0
_KEPT = 16  # the same number is in js/trie_peer.mjs


class ForeignTrie(Started):
    """Holds the last 16 states it was given, by name. Every call waits for its answer."""

    def __init__(self) -> None:
        self._names: "deque[str]" = deque(maxlen=_KEPT)  # those in the child, the oldest first

    def start(self) -> None:
        """Install if need be, and start the child, which ends when its standard input does."""
        packages = install()
        node, _ = node_program()
        self._child = subprocess.Popen(
            [node, str(SCRIPTS / "trie_peer.mjs"), str(packages)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def holds(self, name: str) -> bool:
        """The state of that name was loaded and has not been pushed out."""
        return name in self._names

    def load(self, name: str, state: "State") -> bytes:
        """Build a trie of a state; its root."""
        entries = [(key.hex(), value.hex()) for key, value in state]
        root = bytes.fromhex(self._call({"load": name, "entries": entries})["root"])
        if name in self._names:
            self._names.remove(name)
        self._names.append(name)
        return root

    def range(self, name: str, start: bytes, end: bytes, max_size: int) -> "tuple[list[bytes], State]":
        """(boundary nodes, entries) for the keys from `start` to `end`, both inclusive, within `max_size` bytes."""
        answer = self._call({"range": name, "start": start.hex(), "end": end.hex(), "max_size": max_size})
        nodes = [bytes.fromhex(node) for node in answer["nodes"]]
        return nodes, [(bytes.fromhex(key), bytes.fromhex(value)) for key, value in answer["entries"]]

    def stop(self) -> None:
        """End the child."""
        assert self._child.stdin is not None and self._child.stdout is not None
        self._child.stdin.close()
        try:
            self._child.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child.stdout.close()

    def _call(self, request: "dict[str, Any]") -> "dict[str, Any]":
        assert self._child.stdin is not None and self._child.stdout is not None
        try:
            self._child.stdin.write(json.dumps(request).encode() + b"\n")
            self._child.stdin.flush()
            line = self._child.stdout.readline()
        except OSError as error:
            raise ForeignError("the foreign trie is gone: %s" % error)
        if not line:
            raise ForeignError("the foreign trie ended")
        answer = json.loads(line)
        if "error" in answer:
            raise ForeignError("the foreign trie refuses: " + answer["error"])
        return answer
