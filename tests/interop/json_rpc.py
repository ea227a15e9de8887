"""A client of JIP-2, JAM's JSON-RPC over WebSocket, as small as the tests need it."""

import base64
import json
from contextlib import ExitStack

from websockets.sync.client import connect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

_ANSWER_S = 30.0
_MAX_MESSAGE_BYTES = 64 * 1024 * 1024


class RpcError(Exception):
    """The server answered with an error; `code` is its number."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__("%d %s" % (code, message))
        self.code = code


class JsonRpc:
    """One connection to ws://127.0.0.1:port. JIP-2 writes hashes and blobs in Base64."""

    def __init__(self, port: int) -> None:
        self._stack = ExitStack()
        self._socket = self._stack.enter_context(
            connect("ws://127.0.0.1:%d" % port, open_timeout=_ANSWER_S, max_size=_MAX_MESSAGE_BYTES)
        )
        self._id = 0

    def call(self, method: str, *parameters: "Any") -> "Any":
        """The result of a method. RpcError when the server says so."""
        self._id += 1
        request = {"jsonrpc": "2.0", "id": self._id, "method": method, "params": list(parameters)}
        self._socket.send(json.dumps(request))
        while True:
            answer = json.loads(self._socket.recv(_ANSWER_S))
            if answer.get("id") == self._id:  # else a notification of a subscription
                break
        if "error" in answer:
            raise RpcError(answer["error"]["code"], answer["error"]["message"])
        return answer["result"]

    def best_block(self) -> "tuple[bytes, int]":
        """Header hash and slot of the best block."""
        best = self.call("bestBlock")
        return base64.b64decode(best["header_hash"]), int(best["slot"])

    def state_root(self, header_hash: bytes) -> bytes:
        """The root of the state after a block."""
        return base64.b64decode(self.call("stateRoot", to_base64(header_hash)))

    def parent(self, header_hash: bytes) -> "tuple[bytes, int]":
        """Header hash and slot of a block's parent."""
        parent = self.call("parent", to_base64(header_hash))
        return base64.b64decode(parent["header_hash"]), int(parent["slot"])

    def close(self) -> None:
        """Close the connection."""
        self._stack.close()

    def __enter__(self) -> "JsonRpc":
        return self

    def __exit__(
        self,
        kind: "type[BaseException] | None",
        error: "BaseException | None",
        trace: "TracebackType | None",
    ) -> None:
        self.close()


def to_base64(data: bytes) -> str:
    """As JIP-2 writes a hash or a blob."""
    return base64.b64encode(data).decode("ascii")
