"""Attestation: a peer says, under its signature, which blocks it believes. Ours, and of the lite network only.

Protocol `/jamliquor/<genesis8>/attest/1`, one stream for each request, opened by the one who asks:

    --> challenge 32                                             --> FIN
    <-- count u8 ++ count x entry ++ signature 64                <-- FIN

Each arrow is one message: the length of its content as u32 little-endian, then the content (framing.py).

    challenge    random bytes of the one who asks, so that an old answer is no answer
    count        0 to 4
    entry, 73    slot u32 | header hash 32 | GRANDPA set id u32 | level u8 | digest 32
    signature    Ed25519 by the identity of the one who answers, over
                 "jamliquor_attest_1" ++ genesis hash 32 ++ challenge 32 ++ count u8 ++ count x entry

Integers are little-endian. An entry is the block that opened an epoch, on the best branch of the one who answers, of
those that it holds for vouched (level 2) or final (3); entries are of the newest such epochs, the newest first, so
slots descend. So peers whose heads are some blocks apart name the same blocks, and peers an epoch apart share all but
one. The set id is that of the epoch which the block opened, 2^32 - 1 where it is not known. The digest says what is to
be believed after the block, as chain/trust.py computes it. A count of 0 is the answer of who has seen no epoch begin.

The signature is over the full genesis hash and the challenge: with the key, these bytes can be kept and shown to
others, who can check that the peer said that. What peers attest is no part of any level; it only chooses among
checkpoints (sync/attested.py), and the one chosen is then proved like any other.
"""

from ..const import const
from ..errors import RemoteError
from .events import MORE
from .exchange import NEVER, Requester, Responder
from .framing import get_u32
from .kinds import MALFORMED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .framing import Buffer, Stream

CHALLENGE_BYTES = 32
SIGNATURE_BYTES = 64
ENTRY_BYTES = 73
MAX_ENTRIES = 4  # epochs: who is further behind than that is no witness of now
MAX_ANSWER_BYTES = 1 + MAX_ENTRIES * ENTRY_BYTES + SIGNATURE_BYTES
VOUCHED, FINAL = 2, 3  # levels, as chain/levels.py numbers them
_DOMAIN = b"jamliquor_attest_1"
_HASH = const(32)
_WHAT = "attestation request"


class Entry:
    """One block that is attested."""

    def __init__(self, slot: int, header_hash: bytes, set_id: int, level: int, digest: bytes) -> None:
        self.slot = slot
        self.header_hash = header_hash
        self.set_id = set_id
        self.level = level
        self.digest = digest

    def encode(self) -> bytes:
        """The 73 bytes."""
        return (self.slot.to_bytes(4, "little") + self.header_hash + self.set_id.to_bytes(4, "little")
                + bytes((self.level,)) + self.digest)


def encode_entries(entries: "list[Entry]") -> bytes:
    """The count and the entries: an answer but for its signature."""
    return bytes((len(entries),)) + b"".join([entry.encode() for entry in entries])


def signed_bytes(genesis_hash: bytes, challenge: bytes, entries: bytes) -> bytes:
    """What the signature of an answer is over. `entries` as `encode_entries` makes them."""
    return _DOMAIN + genesis_hash + challenge + entries


def decode(content: "Buffer") -> "tuple[list[Entry], bytes, bytes]":
    """(entries, their bytes with the count, signature) of an answer; RemoteError for what is none. Whether the
    signature is good is the caller's to check."""
    size = len(content)
    count = content[0] if size else 0
    if size != 1 + count * ENTRY_BYTES + SIGNATURE_BYTES or count > MAX_ENTRIES:
        raise RemoteError(MALFORMED, "%s: an answer of %d bytes for %d blocks" % (_WHAT, size, count))
    entries: "list[Entry]" = []
    for at in range(1, size - SIGNATURE_BYTES, ENTRY_BYTES):
        hash_at, rest = at + 4, at + 4 + _HASH
        entry = Entry(get_u32(content, at), bytes(content[hash_at:rest]), get_u32(content, rest), content[rest + 4],
                      bytes(content[rest + 5 : at + ENTRY_BYTES]))
        if entry.level not in (VOUCHED, FINAL):
            raise RemoteError(MALFORMED, "%s: level %d, allowed are 2 and 3" % (_WHAT, entry.level))
        if entries and entry.slot >= entries[-1].slot:
            raise RemoteError(MALFORMED, "%s: the slots do not descend" % _WHAT)
        entries.append(entry)
    cut = size - SIGNATURE_BYTES
    return entries, bytes(content[:cut]), bytes(content[cut:])


class AttestationRequest(Requester):
    """Asks once. After DONE: `answer`, the content as it came, for `decode`."""

    def __init__(self) -> None:
        Requester.__init__(self, _WHAT, CHALLENGE_BYTES)
        self._buf = bytearray(MAX_ANSWER_BYTES)
        self._filled = 0
        self._answered = False

    def begin(self, stream: "Stream", challenge: "Buffer", deadline: int = NEVER) -> None:
        """Ask with these 32 random bytes; `deadline` in ms, on the clock of `poll`."""
        self._begin(stream, deadline)
        self._request[4:] = challenge
        self._reader.limit = MAX_ANSWER_BYTES
        self._filled = 0
        self._answered = False

    @property
    def answer(self) -> bytes:
        """The content of the answer."""
        return bytes(self._buf[: self._filled])

    def _step(self) -> int:
        reader = self._reader
        if not self._answered:
            event = self._message("answer")
            self._answered = event == MORE
            return event
        if reader.left == 0:
            return self._last()
        n = reader.read_into(self._buf, self._filled, self._filled + reader.left)
        self._filled += n
        return MORE if n else reader.ended


class AttestationResponder(Responder):
    """Serves one request. After REQUEST: `challenge`; then `answer((size,))` and the answer through `write`."""

    def __init__(self) -> None:
        Responder.__init__(self, _WHAT, CHALLENGE_BYTES)

    @property
    def challenge(self) -> bytes:
        """What has to be signed along."""
        return bytes(self.request)
