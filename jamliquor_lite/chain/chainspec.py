"""Chain specification files (JIP-4): JSON that names a network and holds its genesis.

    {"id": text, "bootnodes": [text], "genesis_header": hex, "genesis_state": {hex of 31 bytes: hex},
     "protocol_parameters": hex}

Two additions. A key "jamliquor" may hold {"clock": "chain"}: the chain's slots do not follow the wall
clock (test chains that author as fast as they can); {"finality": "jamnp-pr6-737b8ae"}: its validators
vote in that format (justification.py), without which no node calls a header final; and {"checkpoint":
text}: whoever wrote the file trusts a block after genesis, a trust string (trust.py) or the checkpoint
itself as hex digits (`checkpoint embed` writes one). And where `protocol_parameters` is missing, which
JIP-4 does not allow but typeberry's files do, a genesis that fits `tiny` or `full` is taken as such. A file
whose object "chain_spec" holds the specification (typeberry's node configuration) is read too. Other keys
are left alone.

Every fault is a LocalError with exit code 2 that names the file, the key, and what is allowed.
"""

import binascii
import json

from ..codec.cursor import Cursor
from ..codec.spec import FULL, TINY, Spec
from ..const import const
from ..errors import LocalError, VerifyError
from . import state_key, state_value
from .checkpoint import MAX_EPOCH_LENGTH, MAX_VALIDATORS, Checkpoint
from .header import Header
from .trie import Trie
from .trie_node import KEY_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FORMAT = "jamnp-pr6-737b8ae"  # of votes and justifications (justification.py), the only one that is known
MAX_FILE_BYTES = 64 * 1024 * 1024  # a file that never ends; a full-spec genesis with some services is under 5 MB
MAX_BOOTNODES = const(256)
_MAX_ID = const(64)  # characters: it is shown on status lines
_PARAMETERS_SIZE = const(134)
_KNOWN = (TINY, FULL)


class ChainSpec:
    """A checked chain specification.

    `id` is the network's name, `bootnodes` a list of `name@ip:port` (not parsed here), `spec` the
    parameters, `genesis_header` bytes, `genesis_hash` 32 bytes, `genesis_state` a dict of 31-byte keys,
    `clock_chain` whether the chain is its own clock, `finality` the format of its votes or None, `start`
    the text of the checkpoint that is built in (not parsed here) or None.
    """

    def __init__(self, root: "Any", where: str) -> None:
        """From parsed JSON. `where` is the file's name as errors show it."""
        self._where = where
        if not isinstance(root, dict):
            raise self._fault("the file must hold a JSON object")
        if "genesis_header" not in root and isinstance(root.get("chain_spec"), dict):
            root = root["chain_spec"]
        self.id = self._id(root)
        self.bootnodes = self._bootnodes(root)
        self.clock_chain = self._extra(root, "clock", ("wall", "chain")) == "chain"
        self.finality = self._extra(root, "finality", (None, FORMAT))
        self.start = self._start(root)
        self.genesis_header = self._hex(root, "genesis_header")
        self.genesis_state = self._state(root)
        self.spec = self._spec(root)
        try:
            header = Header(self.spec, self.genesis_header, 0, len(self.genesis_header))
        except VerifyError as error:
            raise self._fault("genesis_header is no header of spec %s: %s" % (self.spec.name, error))
        self.genesis_hash = header.hash
        self.genesis_slot = header.slot

    @classmethod
    def parse(cls, text: "str | bytes", where: str = "chainspec") -> "ChainSpec":
        """From the text of a file."""
        try:
            if isinstance(text, bytes):
                text = text.decode()
            root = json.loads(text)
        except UnicodeError:
            raise LocalError("%s is not UTF-8 text" % where, 2)
        except ValueError as error:
            raise LocalError("%s is not JSON: %s" % (where, error), 2)
        except (RuntimeError, MemoryError):  # the first one is CPython's RecursionError
            raise LocalError("%s does not fit: its JSON is nested too deep or too long for this machine"
                             % where, 2)
        return cls(root, where)

    @classmethod
    def read(cls, path: str) -> "ChainSpec":
        """From a file."""
        try:
            with open(path, "rb") as file:
                size = file.seek(0, 2)
                if size > MAX_FILE_BYTES:
                    raise LocalError("chainspec %s has %d bytes, at most %d are read"
                                     % (path, size, MAX_FILE_BYTES), 2)
                file.seek(0)
                text = file.read(size)
        except OSError as error:
            raise LocalError("cannot read the chainspec %s: %s" % (path, _reason(error)), 2)
        return cls.parse(text, "chainspec " + path)

    def checkpoint(self) -> Checkpoint:
        """The checkpoint at the genesis block."""
        values = []
        for number in (state_key.SAFROLE, state_key.ENTROPY, state_key.ACTIVE_SET):
            value = self.genesis_state.get(state_key.chapter(number))
            if value is None:
                raise self._fault("genesis_state has no C(%d), key %02x00…00" % (number, number))
            values.append(value)
        try:
            start = Checkpoint.from_state(self.spec, self.genesis_hash, self.genesis_hash, self.genesis_slot,
                                          values[0], values[1], values[2])
        except VerifyError as error:
            raise self._fault("genesis_state is no state of spec %s: %s" % (self.spec.name, error))
        start.clock_chain = self.clock_chain
        start.grandpa_format = self.finality
        return start

    def state_root(self) -> bytes:
        """The Merkle root of the genesis state: the first block's prior state root."""
        return Trie(self.genesis_state.items()).root()

    # --- fields ---

    def _fault(self, what: str) -> LocalError:
        return LocalError("%s: %s" % (self._where, what), 2)

    def _field(self, root: "dict[str, Any]", name: str, kind: type, what: str) -> "Any":
        if name not in root:
            raise self._fault("%s is missing: %s" % (name, what))
        value = root[name]
        if not isinstance(value, kind):
            raise self._fault("%s must be %s" % (name, what))
        return value

    def _id(self, root: "dict[str, Any]") -> str:
        text: str = self._field(root, "id", str, "a text")
        if not 0 < len(text) <= _MAX_ID:
            raise self._fault("id must have 1 to %d characters" % _MAX_ID)
        for character in text:
            if not 0x20 < ord(character) < 0x7F:  # it goes to terminals and logs
                raise self._fault("id must be printable ASCII without blanks")
        return text

    def _bootnodes(self, root: "dict[str, Any]") -> "list[str]":
        nodes = root.get("bootnodes", [])
        if not isinstance(nodes, list):
            raise self._fault("bootnodes must be a list of name@ip:port")
        if len(nodes) > MAX_BOOTNODES:
            raise self._fault("bootnodes has %d entries, at most %d are read" % (len(nodes), MAX_BOOTNODES))
        for node in nodes:
            if not isinstance(node, str):
                raise self._fault("bootnodes must be a list of name@ip:port")
        return nodes

    def _extra(self, root: "dict[str, Any]", name: str, allowed: "tuple[str | None, ...]") -> "str | None":
        # Of the object that is ours; the first of what is allowed where it says nothing.
        value = self._ours(root).get(name, allowed[0])
        if value not in allowed:
            raise self._fault("jamliquor.%s must be %s" % (
                name, " or ".join(["\"%s\"" % text if text else "absent" for text in allowed])))
        return value

    def _ours(self, root: "dict[str, Any]") -> "dict[str, Any]":
        extra = root.get("jamliquor", {})
        if not isinstance(extra, dict):
            raise self._fault("jamliquor must be an object")
        return extra

    def _start(self, root: "dict[str, Any]") -> "str | None":
        text = self._ours(root).get("checkpoint")
        if text is not None and not isinstance(text, str):
            raise self._fault("jamliquor.checkpoint must be a trust string or a checkpoint's hex digits")
        return text

    def _hex(self, root: "dict[str, Any]", name: str) -> bytes:
        return self._bytes(self._field(root, name, str, "a string of hex digits"), name)

    def _bytes(self, text: str, name: str) -> bytes:
        if text.startswith("0x"):
            text = text[2:]
        try:
            return binascii.unhexlify(text)
        except ValueError:
            raise self._fault("%s is not an even number of hex digits" % name)

    def _state(self, root: "dict[str, Any]") -> "dict[bytes, bytes]":
        state: "dict[bytes, bytes]" = {}
        entries = self._field(root, "genesis_state", dict, "an object of hex keys and values")
        for text in entries:
            key = self._bytes(text, "genesis_state: key %s" % _shown(text))
            if len(key) != KEY_SIZE:
                raise self._fault("genesis_state: key %s has %d bytes, a state key has %d"
                                  % (_shown(text), len(key), KEY_SIZE))
            value = entries[text]
            if not isinstance(value, str):
                raise self._fault("genesis_state: value of key %s must be hex digits" % _shown(text))
            if key in state:
                raise self._fault("genesis_state: key %s is there twice" % _shown(text))
            state[key] = self._bytes(value, "genesis_state: value of key %s" % _shown(text))
        return state

    # --- parameters ---

    def _spec(self, root: "dict[str, Any]") -> Spec:
        if "protocol_parameters" in root:
            return self._parameters(self._hex(root, "protocol_parameters"))
        active = self.genesis_state.get(state_key.chapter(state_key.ACTIVE_SET), b"")
        for spec in _KNOWN:
            if len(active) == spec.validators * state_value.VALIDATOR_SIZE:
                return spec
        raise self._fault("protocol_parameters is missing, and the genesis fits neither tiny nor full")

    def _parameters(self, blob: bytes) -> Spec:
        # GP 0.7.2, B.6, `fetch` 0. What this node does not need is not looked at: it executes no
        # services.
        if len(blob) != _PARAMETERS_SIZE:
            raise self._fault("protocol_parameters has %d bytes, allowed are the %d of GP 0.7.0 to 0.7.2"
                              % (len(blob), _PARAMETERS_SIZE))
        reader = Cursor(blob)
        reader.skip(24)  # deposits B_I, B_L, B_S
        cores = self._within("C", reader.u16(), 1, 0xFFFF)
        reader.skip(4)  # D
        epoch_length = self._within("E", reader.u32(), 2, MAX_EPOCH_LENGTH)
        reader.skip(44)  # gas limits G_A, G_I, G_R, G_T; H, I, J, K; L
        attempts = self._within("N", reader.u16(), 1, 256)
        reader.skip(2)  # O
        slot_seconds = self._within("P", reader.u16(), 1, 0xFFFF)
        reader.skip(8)  # Q, R, T, U
        validators = self._within("V", reader.u16(), 1, MAX_VALIDATORS)
        reader.skip(36)  # sizes W_A to W_X
        tickets_end = self._within("Y", reader.u32(), 1, epoch_length - 1)
        for spec in _KNOWN:
            if (spec.validators, spec.epoch_length, spec.tickets_end, spec.cores, spec.attempts,
                    spec.slot_seconds) == (validators, epoch_length, tickets_end, cores, attempts, slot_seconds):
                return spec
        return Spec("custom", validators, epoch_length, tickets_end, cores, attempts, slot_seconds)

    def _within(self, name: str, value: int, low: int, high: int) -> int:
        if not low <= value <= high:
            raise self._fault("protocol_parameters: %s is %d, allowed are %d to %d" % (name, value, low, high))
        return value


def _shown(text: str) -> str:
    return text if len(text) <= 70 else text[:67] + "…"


def _reason(error: OSError) -> str:
    # CPython has words for an error, MicroPython its number only.
    return getattr(error, "strerror", None) or "error %s" % error.errno
