"""`jamliquor-lite verify FILE|DIR`: check recorded chains offline, with the checks of the live node.

A chain file is one CBOR map: `spec`, `genesis` {`header`, `state` {key 31: value}}, `blocks` [{`block`, and where
known `state_root`, `set` {key 31: value}, `removed` [key 31]}]. A folder holds exported blocks, one encoded block a
file, in the order of their names; its genesis state comes from `--chain CHAINSPEC`.
"""

import json
import os

from ..budget.profile import Profile
from ..chain.chainspec import ChainSpec
from ..chain.checkpoint import Checkpoint
from ..chain.header import Header
from ..chain.light import ADDED, KNOWN, LightChain
from ..chain.trie import Trie
from ..codec import cbor
from ..codec.spec import by_name
from ..const import const
from ..crypto import suite
from ..errors import LocalError, VerifyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from typing import Any

_FILE_BYTES = const(256 * 1024 * 1024)  # more than that is no recording of ours
_FAILURES_SHOWN = const(10)
_SAFROLE = bytes([4]) + bytes(30)
_ENTROPY = bytes([6]) + bytes(30)
_ACTIVE_KEYS = bytes([8]) + bytes(30)


def add_arguments(parser: "argparse.ArgumentParser") -> None:
    parser.add_argument("path", metavar="FILE|DIR", help="a chain file, or a folder of exported blocks")
    parser.add_argument("--chain", metavar="CHAINSPEC", help="JIP-4 chainspec of the chain, for a folder")
    parser.add_argument("--json", action="store_true", help="print nothing but the last line")


def run(args: "argparse.Namespace") -> int:
    suite.self_test()
    if os.path.isdir(args.path):
        if not args.chain:
            raise LocalError(
                "a folder of blocks needs --chain CHAINSPEC: the genesis state is not among the blocks", 2
            )
        checkpoint, state = ChainSpec.read(args.chain).checkpoint(), None
        blocks = _exported(args.path)
    else:
        checkpoint, state, blocks = _chain_file(args.path)
    check = _Check(checkpoint, state)
    for name, block in blocks:
        check.block(name, block)
    check.finish()
    if not args.json:
        for line in check.report():
            print(line)
    print(json.dumps(check.summary(), separators=(",", ":")))
    return 1 if check.failed else 0


def _read(path: str) -> bytes:
    try:
        if os.path.getsize(path) > _FILE_BYTES:
            raise LocalError("%s: longer than %d MiB, no recorded chain is" % (path, _FILE_BYTES >> 20), 2)
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise LocalError("cannot read %s: %s" % (path, error.strerror), 2) from None


def _exported(folder: str) -> "Iterator[tuple[str, dict[str, Any]]]":
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".bin"))
    except OSError as error:
        raise LocalError("cannot read %s: %s" % (folder, error.strerror), 2) from None
    if not names:
        raise LocalError("%s: no exported blocks (*.bin) in it" % folder, 2)
    for name in names:
        yield name, {"block": _read(os.path.join(folder, name))}


def _chain_file(path: str) -> "tuple[Checkpoint, Trie, Iterator[tuple[str, dict[str, Any]]]]":
    try:
        chain = cbor.loads(_read(path))
        spec = by_name(chain["spec"])
        if spec is None:
            raise LocalError("%s: spec %r, known are tiny and full" % (path, chain["spec"]), 2)
        genesis, blocks = chain["genesis"], chain["blocks"]
        header = Header(spec, genesis["header"], 0, len(genesis["header"]))
        state = genesis["state"]
        checkpoint = Checkpoint.from_state(
            spec, header.hash, header.hash, header.slot, state[_SAFROLE], state[_ENTROPY], state[_ACTIVE_KEYS]
        )
        trie = Trie(state.items())
    except (VerifyError, KeyError, TypeError, AttributeError) as error:
        raise LocalError("%s is no chain file: %s" % (path, error), 2) from None
    return checkpoint, trie, (("block %d" % number, block) for number, block in enumerate(blocks, 1))


class _Check:
    """Feeds blocks to a light chain and counts. `state`, where there is one, follows the blocks' changes."""

    def __init__(self, checkpoint: "Checkpoint", state: "Trie | None") -> None:
        self.headers = self.failed = self.state_roots = self.skipped = 0
        self._adopted: "list[int]" = []
        self._chain = LightChain(checkpoint, Profile(), self._event)
        self._checkpoint = checkpoint
        self._state = state
        self._root = state.root() if state is not None else b""
        self._failures: "list[str]" = []

    def _event(self, name: str, row: int) -> None:
        if name in ("keys_adopted", "tickets_adopted"):
            tree = self._chain.tree
            self._adopted.append(tree.between(tree.best, row))

    def block(self, name: str, block: "dict[str, Any]") -> None:
        try:
            header = Header(self._checkpoint.spec, block["block"])
            if header.hash == self._checkpoint.header_hash:
                self.skipped += 1
                return
            self.headers += 1
            self._chain.add(header)
            if self._chain.outcome not in (ADDED, KNOWN):
                raise VerifyError(
                    "parent", "header of slot %d does not follow what came before" % header.slot
                )
            self._check_state(header, block)
        except VerifyError as error:
            self._fail("%s: %s: %s" % (name, error.rule, error))
        except (KeyError, TypeError, ValueError) as error:
            self._fail("%s: not a block: %s" % (name, error))

    def _check_state(self, header: "Header", block: "dict[str, Any]") -> None:
        if self._state is None or "state_root" not in block:
            self._root = b""
            return
        if self._root and header.prior_state_root != self._root:
            raise VerifyError(
                "state_root", "header of slot %d names another state than the one before it" % header.slot
            )
        for key in block["removed"]:
            self._state.remove(key)
        for key, value in block["set"].items():
            self._state.set(key, value)
        self._root = self._state.root()
        if self._root != block["state_root"]:
            raise VerifyError(
                "state_root", "the state after slot %d has another root than recorded" % header.slot
            )
        self.state_roots += 1

    def _fail(self, text: str) -> None:
        self.failed += 1
        if len(self._failures) < _FAILURES_SHOWN:
            self._failures.append(text)

    def finish(self) -> None:
        if not self.headers:
            self._fail("there is not a single header to check")

    def report(self) -> "list[str]":
        chain, tree = self._chain, self._chain.tree
        lines = ["failed: %s" % text for text in self._failures]
        lines.append(
            "headers %d: %d sealed by ticket, %d by fallback key, %d refused"
            % (self.headers, chain.ticket_seals, chain.fallback_seals, self.failed)
        )
        lines.append(
            "epochs %d, marks adopted %d, at most %d blocks after they were made"
            % (chain.epochs_seen, chain.adopted_marks, max(self._adopted, default=0))
        )
        lines.append(
            "head at slot %d, vouched for up to slot %d; state roots that agree: %d"
            % (chain.best_slot, tree.slots[chain.best_vouched()], self.state_roots)
        )
        return lines

    def summary(self) -> "dict[str, int]":
        chain = self._chain
        return {
            "headers": self.headers,
            "sealed": chain.headers_checked,
            "epochs": chain.epochs_seen,
            "state_roots": self.state_roots,
            "failed": self.failed,
        }
