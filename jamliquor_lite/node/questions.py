"""What a person may ask of the state, as ranges of keys, and how answers are shown."""

import binascii

from ..chain.state_key import chapter, service_account, service_preimage, service_storage
from ..chain.trie_node import KEY_SIZE
from ..errors import LocalError
from ..sync.query import missing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..node.node import Node
    from ..sync.query import Answer, Entry

FORMS = (
    "service ID",
    "storage ID KEY",
    "preimage ID HASH",
    "key HEX31",
    "range HEX31 HEX31",
    "entropy",
    "slot",
)
_SERVICES = 1 << 32
_CHAPTERS = {"entropy": 6, "slot": 11}


class Question:
    """`start` to `end` is what to ask for; `decode` names how the value of a single key is read, or is empty."""

    def __init__(self, text: str, start: bytes, end: bytes, decode: str = "") -> None:
        self.text = text
        self.start = start
        self.end = end
        self.decode = decode

    @property
    def single(self) -> bool:
        return self.start == self.end


def parse_question(words: "list[str]") -> "Question":
    """The question that these words ask; LocalError with what is allowed."""
    text = " ".join(words)
    kind, rest = (words[0], words[1:]) if words else ("", [])
    if kind in _CHAPTERS and not rest:
        return _single(text, chapter(_CHAPTERS[kind]), kind)
    if kind == "service" and len(rest) == 1:
        return _single(text, service_account(_service(rest[0])), kind)
    if kind == "storage" and len(rest) == 2:
        return _single(text, service_storage(_service(rest[0]), _bytes(rest[1], "KEY", None)))
    if kind == "preimage" and len(rest) == 2:
        return _single(text, service_preimage(_service(rest[0]), _bytes(rest[1], "HASH", 32)))
    if kind == "key" and len(rest) == 1:
        return _single(text, _bytes(rest[0], "HEX31", KEY_SIZE))
    if kind == "range" and len(rest) == 2:
        start, end = _bytes(rest[0], "start", KEY_SIZE), _bytes(rest[1], "end", KEY_SIZE)
        if start > end:
            raise LocalError("range: the start key is above the end key", 2)
        return Question(text, start, end)
    raise LocalError("%s: allowed are %s" % (repr(text) if text else "no question", "; ".join(FORMS)), 2)


def _single(text: str, key: bytes, decode: str = "") -> "Question":
    return Question(text, key, key, decode)


def _service(text: str) -> int:
    number = -1
    if 0 < len(text) <= 10 and all(["0" <= character <= "9" for character in text]):
        number = int(text)
    if not 0 <= number < _SERVICES:
        raise LocalError("service id %s: must be a whole number from 0 to 4294967295" % repr(text), 2)
    return number


def _bytes(text: str, name: str, size: "int | None") -> bytes:
    digits = text[2:] if text.startswith("0x") else text
    try:
        value = binascii.unhexlify(digits)
    except ValueError:
        raise LocalError("%s %s: must be hex digits" % (name, repr(text[:80])), 2)
    if size is not None and len(value) != size:
        raise LocalError("%s: has %d bytes, must have %d" % (name, len(value), size), 2)
    return value


def describe(question: "Question", answer: "Answer", node: "Node") -> "dict[str, Any]":
    """One answer as flat fields: what was proved, by which header, at which level, how old it is."""
    commitment = answer.commitment
    fields: "dict[str, Any]" = {
        "question": question.text,
        "header": commitment.header_hash,
        "slot": commitment.slot,
        "committed_by": commitment.by_hash,
        "committed_in": commitment.by_slot,
        "level": answer.level,
        "support": commitment.support,
        "validators": commitment.validators,
        "state_root": commitment.root,
        "age_slots": node.chain.best_slot - commitment.slot,
        "proof_bytes": answer.proof_bytes,
        "peer": answer.peer,
    }
    if not question.single:
        fields["entries"] = [[e.key.hex(), _value(e)] for e in answer.entries]
        fields["proved_to"] = answer.proved_to
        fields["shown"] = "%d keys, proved up to %s" % (len(answer.entries), answer.proved_to.hex())
        return fields
    entry = answer.entries[0] if answer.entries else None
    if entry is None and not missing(answer):
        raise LocalError("%s: the answer proves neither a value nor its absence" % question.text)
    fields["present"] = entry is not None
    fields["value"] = _value(entry) if entry else None
    fields["shown"] = "absent (proved)" if entry is None else _shown(question, entry)
    return fields


def _value(entry: "Entry") -> "str | None":
    return entry.value.hex() if entry.value is not None else None


def _shown(question: "Question", entry: "Entry") -> str:
    value = entry.value
    if value is None:
        return "%d bytes, proved but longer than is returned" % entry.length
    if question.decode == "slot":
        return str(int.from_bytes(value, "little"))
    if question.decode == "service":
        from ..chain.state_value import ServiceAccount

        return str(ServiceAccount(value))
    return value.hex() if len(value) <= 64 else "%s… (%d bytes)" % (value[:64].hex(), len(value))
