"""A devnet in a process of its own, as `jamliquor-lite devnet` starts it, and what a board needs to follow it."""

import json
import subprocess
import sys
import threading
from pathlib import Path

from jamliquor_lite.chain.chainspec import ChainSpec

_END_S = 20


class Devnet:
    """`with Devnet(folder, …) as devnet:` once it serves. `peer` is its multiaddr on this machine, `chainspec` the file
    of its chain, `start` the encoded checkpoint of its genesis, `genesis` that one's hash. `options` are further words
    of the command line."""

    def __init__(self, folder: Path, *, slot_ms: int, blocks: int = 0, options: "tuple[str, ...]" = ()) -> None:
        self.chainspec = folder / "chainspec.json"
        self._command = [
            sys.executable, "-m", "jamliquor_lite.cli.main", "devnet", "--json", "--listen", "/ip4/127.0.0.1/tcp/0",
            "--slot-ms", str(slot_ms), "--blocks", str(blocks), "--chainspec-out", str(self.chainspec), *options,
        ]
        self.peer = ""
        self.start = b""
        self.genesis = b""

    def __enter__(self) -> "Devnet":
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        try:
            (self.peer,) = [place for place in json.loads(line)["addresses"] if place.startswith("/")]
            checkpoint = ChainSpec.read(str(self.chainspec)).checkpoint()
            self.start, self.genesis = checkpoint.encode(), checkpoint.genesis_hash
        except BaseException:
            self.__exit__()
            raise
        # What it goes on to print is read and dropped: a full pipe would stop it.
        threading.Thread(target=self._process.stdout.read, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(_END_S)

    def files(self, host: str = "127.0.0.1", chain: str = "devnet") -> "dict[str, bytes]":
        """The settings of a board that follows it, which reaches this machine as `host`, and the first checkpoint."""
        peer = self.peer.replace("127.0.0.1", host)
        return {"board.conf": f"chain = {chain}\npeer = {peer}\n".encode(), "start.cbor": self.start}
