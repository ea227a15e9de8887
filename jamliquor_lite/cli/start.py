"""Where a run starts: what `--checkpoint` may say, the files that `checkpoint export` writes, and what a chainspec has
built in."""

import os

from ..chain.checkpoint import Checkpoint
from ..chain.trust import Trust, is_string, split_file
from ..const import const
from ..errors import LocalError, VerifyError

ATTESTED = "attested"
ALLOWED = ("a header hash of 64 hex digits, a trust string (JLC1:…), a file that `checkpoint export` wrote, or "
           "`attested`")
_FILE_BYTES = const(8 * 1024 * 1024)  # 4,096 validators take 0.6 MB, and the longest epoch 6.5 MB
_HASH = const(32)
_SHOWN = const(80)


class Start:
    """One of: the `header_hash` of a block that is trusted and to be proved, in `trust` what else was said of it; the
    `checkpoint` of a file; or `is_attested`, what pinned peers agree on. `where` is who says so, as errors show it."""

    def __init__(self, where: str = "--checkpoint") -> None:
        self.where = where
        self.header_hash: "bytes | None" = None
        self.trust: "Trust | None" = None
        self.checkpoint: "Checkpoint | None" = None
        self.is_attested = False

    @property
    def slot(self) -> int:
        """Of the block that is trusted, -1 where only its hash is known."""
        if self.checkpoint is not None:
            return self.checkpoint.slot
        return -1 if self.trust is None else self.trust.slot


class CheckpointFile:
    """A file with a checkpoint: `payload`, `checkpoint`, `trust` (what it comes down to), `signers` (the keys whose
    signatures it has; each is good)."""

    def __init__(self, path: str, data: "bytes | None" = None) -> None:
        """LocalError (the user's) for what is no such file, is damaged, or has a signature that is wrong. `data` is
        what the file holds, where it need not be read."""
        self.path = path
        try:
            self.payload, signatures = split_file(read(path) if data is None else data)
            self.checkpoint = Checkpoint.decode(self.payload)
            self.trust = Trust.of(self.checkpoint)
            self.signers: "list[bytes]" = []
            for key, signature in signatures:
                self.trust.check(key, signature)
                if key not in self.signers:
                    self.signers.append(key)
                if not self.trust.key:  # a string holds one
                    self.trust.key, self.trust.signature = key, signature
        except VerifyError as error:
            raise LocalError("%s: %s" % (path, error), 2) from None


def read(path: str, most: int = _FILE_BYTES) -> bytes:
    """The bytes of a file that is no longer than a checkpoint can be, or `most`."""
    try:
        with open(path, "rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise LocalError("cannot read %s: %s" % (path, error.strerror), 2) from None
    if len(data) > most:
        raise LocalError("%s: longer than %d MiB, which is what is read" % (path, most >> 20), 2)
    return data


def parse(text: "str | None") -> "Start | None":
    """What `--checkpoint` says, None when it was not given. LocalError for what is none of the four."""
    if text is None:
        return None
    start = Start()
    if text == ATTESTED:
        start.is_attested = True
        return start
    if is_string(text):
        return _of_string(start, text)
    found = _from_hex(text)
    if len(found) == _HASH:
        start.header_hash = found
        return start
    if not os.path.isfile(text):
        raise LocalError("--checkpoint %s: must be %s" % (_shown(text), ALLOWED), 2)
    start.checkpoint = CheckpointFile(text).checkpoint
    return start


def built_in(text: str, where: str) -> Start:
    """What a chainspec says of the block to begin at; `where` is the file's name. LocalError for what is neither."""
    start = Start("%s: jamliquor.checkpoint" % where)
    if is_string(text):
        return _of_string(start, text)
    data = _from_hex(text)
    if not data:
        raise LocalError("%s %s: must be a trust string (JLC1:…) or a checkpoint's hex digits, as `checkpoint embed` "
                         "writes them" % (start.where, _shown(text)), 2)
    start.checkpoint = CheckpointFile(start.where, data).checkpoint
    return start


def _of_string(start: Start, text: str) -> Start:
    try:
        start.trust = Trust.parse(text)
    except VerifyError as error:
        raise LocalError("%s %s: %s" % (start.where, _shown(text), error), 2) from None
    start.header_hash = start.trust.header_hash
    return start


def _from_hex(text: str) -> bytes:
    # b"" for what is none.
    try:
        return bytes.fromhex(text[2:] if text.startswith("0x") else text)
    except ValueError:
        return b""


def check_chain(genesis_hash: bytes, genesis: Checkpoint, where: str = "", status: int = 2) -> None:
    """LocalError where that is not the hash of this genesis; `where` is what the line begins with."""
    if genesis_hash != genesis.genesis_hash:
        raise LocalError("%sit is of another chain (genesis %s…) than the chainspec (%s…)" % (
            where, genesis_hash.hex()[:8], genesis.genesis_hash.hex()[:8]), status)


def of_chain(start: Start, genesis: Checkpoint) -> Checkpoint:
    """The checkpoint to begin with on the chain of this genesis: that of the file, else the genesis itself. LocalError
    where what was given is of another chain."""
    said = start.checkpoint.genesis_hash if start.checkpoint else start.trust.genesis_hash if start.trust else b""
    if said:
        check_chain(said, genesis, start.where + ": ")
    if start.checkpoint is None:
        return genesis
    return adopt(start.checkpoint, genesis)


def adopt(found: Checkpoint, genesis: Checkpoint) -> Checkpoint:
    """A checkpoint that came from elsewhere, with what only the chainspec of this chain may say. LocalError where it is
    of another spec."""
    if found.spec is not genesis.spec and _numbers(found) != _numbers(genesis):
        raise LocalError("the checkpoint is of spec %s, the chainspec of %s" % (found.spec.name, genesis.spec.name), 2)
    found.spec = genesis.spec
    found.grandpa_format = genesis.grandpa_format
    found.clock_chain = genesis.clock_chain
    return found


def _numbers(one: Checkpoint) -> "tuple[int, ...]":
    spec = one.spec
    return (spec.validators, spec.epoch_length, spec.tickets_end, spec.cores, spec.attempts, spec.slot_seconds)


def _shown(text: str) -> str:
    return ascii(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
