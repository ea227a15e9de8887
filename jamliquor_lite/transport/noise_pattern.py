"""The three messages of Noise XX, and of XXhfs with ML-KEM-768, up to what their payloads say.

    XX      -> e              <- e, ee, s, es              -> s, se       Noise framework, revision 34
    XXhfs   -> e, e1          <- e, ee, ekem1, s, es       -> s, se       Noise HFS; libp2p/specs pull request 727

`e1` is the initiator's ML-KEM key (1,184 bytes). `ekem1` is the ciphertext to it (1,088 bytes): it is sealed first,
under the key that ee gave, and then the secret in it is mixed in. So whoever breaks either X25519 or ML-KEM alone
reads nothing. Identities are proved with X25519 in both. The suite's name is where the hash begins: suites never mix.

A message is its head, which is the tokens above, and its payload. What can fail because of the peer fails while its
message is read, never while ours is written.
"""

from ..const import const
from ..crypto.suite import mlkem768_decapsulate, mlkem768_encapsulate, mlkem768_keypair, x25519, x25519_public
from ..errors import LocalError, VerifyError
from .noise_symmetric import TAG, Symmetric

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Union

    Buffer = Union[bytes, bytearray, memoryview]
    WritableBuffer = Union[bytearray, memoryview]

XX = b"Noise_XX_25519_ChaChaPoly_SHA256"
XXHFS = b"Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256"

KEY = 32  # bytes of an X25519 key
_KEM_PUBLIC = const(1184)
_KEM_CIPHERTEXT = const(1088)
_KEM_SEED = const(64)
_KEM_ENTROPY = const(32)
MESSAGES = 3  # the initiator writes 0 and 2, the responder 1


def random_size(is_initiator: bool, is_hybrid: bool) -> int:
    """Random bytes that a side needs: an X25519 secret, then an ML-KEM seed or what encapsulation takes."""
    if not is_hybrid:
        return KEY
    return KEY + (_KEM_SEED if is_initiator else _KEM_ENTROPY)


class Pattern:
    """One side of a handshake with the static key pair `secret`, `public`. Messages alternate; `number` is the next.

    Write: `write_head`, put the payload behind it, `write_payload`. Read: `read_head`, `read_payload`. Between the two
    `hash` is what the payload is sealed under, the same on both sides.
    `random` has random_size() bytes that nobody else knows and is zeroed in the end if it is a bytearray. `name` and
    `prologue` are other than libp2p's in test vectors only.
    """

    def __init__(
        self,
        secret: "Buffer",
        public: bytes,
        is_initiator: bool,
        is_hybrid: bool,
        random: "Buffer",
        name: bytes = b"",
        prologue: bytes = b"",
    ) -> None:
        if len(random) != random_size(is_initiator, is_hybrid):
            raise LocalError("noise: a handshake needs %d random bytes" % random_size(is_initiator, is_hybrid))
        self.number = 0
        self.peer_static = b""
        self._is_initiator = is_initiator
        self._is_hybrid = is_hybrid
        self._secret = secret
        self._public = public
        self._random = random if isinstance(random, bytearray) else bytearray(random)
        self._peer_ephemeral = b""
        self._kem_secret: "Any" = None
        self._ciphertext = b""
        self._ee = b""
        self._ekem1 = b""
        self._symmetric = Symmetric(name or (XXHFS if is_hybrid else XX), prologue)

    @property
    def hash(self) -> bytes:
        """h, so far."""
        return self._symmetric.hash

    def head_size(self) -> int:
        """Bytes of the next message's head."""
        if self.number == 0:
            return KEY + (_KEM_PUBLIC if self._is_hybrid else 0)
        if self.number == 1:
            return KEY + (_KEM_CIPHERTEXT + TAG if self._is_hybrid else 0) + KEY + TAG
        return KEY + TAG

    def payload_tag(self) -> int:
        """Bytes that sealing adds to the next message's payload."""
        return TAG if self.number else 0

    def write_head(self, buf: "WritableBuffer", at: int) -> int:
        """Write the head of our message at buf[at]; returns where it ends."""
        symmetric = self._symmetric
        if self.number == 0:
            at = self._put_ephemeral(buf, at)
            if self._is_hybrid:
                public, self._kem_secret = mlkem768_keypair(memoryview(self._random)[KEY:])
                at = self._seal(buf, at, public)
        elif self.number == 1:
            at = self._put_ephemeral(buf, at)
            symmetric.mix_key(self._ee)
            if self._is_hybrid:
                at = self._seal(buf, at, self._ciphertext)
                symmetric.mix_key(self._ekem1)
            at = self._seal(buf, at, self._public)
            symmetric.mix_key(self._exchange(self._secret, self._peer_ephemeral))
        else:
            at = self._seal(buf, at, self._public)
            symmetric.mix_key(self._exchange(self._secret, self._peer_ephemeral))
        return at

    def write_payload(self, buf: "WritableBuffer", start: int, end: int) -> int:
        """Seal the payload buf[start:end] in place; returns where the message ends."""
        self.number += 1
        return self._symmetric.seal(buf, start, end)

    def read_head(self, buf: "WritableBuffer", start: int, end: int) -> int:
        """Read the head of the peer's message, in place; returns where its payload begins. VerifyError("noise")."""
        symmetric = self._symmetric
        if end - start < self.head_size() + self.payload_tag():
            raise VerifyError("noise", "a handshake message of %d bytes is cut short" % (end - start))
        at = start
        if self.number < 2:
            at = start + KEY
            self._peer_ephemeral = bytes(memoryview(buf)[start:at])
            symmetric.mix_hash(buf, start, at)
            self._ee = self._exchange(memoryview(self._random)[:KEY], self._peer_ephemeral)
        if self.number == 0:
            return self._read_kem_key(buf, at) if self._is_hybrid else at
        if self.number == 1:
            symmetric.mix_key(self._ee)
            if self._is_hybrid:
                at = self._read_ciphertext(buf, at)
        symmetric.open(buf, at, at + KEY + TAG)
        self.peer_static = bytes(memoryview(buf)[at : at + KEY])
        symmetric.mix_key(self._exchange(memoryview(self._random)[:KEY], self.peer_static))
        return at + KEY + TAG

    def read_payload(self, buf: "WritableBuffer", start: int, end: int) -> int:
        """Open the payload in place; returns where it ends. VerifyError("noise")."""
        end = self._symmetric.open(buf, start, end)
        self.number += 1
        return end

    def split(self) -> "tuple[bytes, bytes]":
        """After the last message: the keys of both directions, the initiator's first."""
        return self._symmetric.split()

    def wipe(self) -> None:
        """Zero what can be zeroed and forget every other secret. Python may still have copies of its own."""
        for i in range(len(self._random)):
            self._random[i] = 0
        self._kem_secret = None
        self._secret = self._ee = self._ekem1 = self._ciphertext = b""
        self._symmetric.wipe()

    def _read_kem_key(self, buf: "WritableBuffer", at: int) -> int:
        # We answer at once: what is wrong with the key shows here.
        end = at + _KEM_PUBLIC
        self._symmetric.open(buf, at, end)
        try:
            self._ciphertext, self._ekem1 = mlkem768_encapsulate(
                memoryview(buf)[at:end], memoryview(self._random)[KEY:]
            )
        except VerifyError as error:
            raise VerifyError("noise", "ML-KEM: %s" % error)
        return end

    def _read_ciphertext(self, buf: "WritableBuffer", at: int) -> int:
        self._symmetric.open(buf, at, at + _KEM_CIPHERTEXT + TAG)
        self._symmetric.mix_key(mlkem768_decapsulate(self._kem_secret, memoryview(buf)[at : at + _KEM_CIPHERTEXT]))
        self._kem_secret = None
        return at + _KEM_CIPHERTEXT + TAG

    def _put_ephemeral(self, buf: "WritableBuffer", at: int) -> int:
        buf[at : at + KEY] = x25519_public(memoryview(self._random)[:KEY])
        self._symmetric.mix_hash(buf, at, at + KEY)
        return at + KEY

    def _seal(self, buf: "WritableBuffer", at: int, data: bytes) -> int:
        buf[at : at + len(data)] = data
        return self._symmetric.seal(buf, at, at + len(data))

    def _exchange(self, secret: "Buffer", public: bytes) -> bytes:
        try:
            return x25519(secret, public)
        except VerifyError as error:
            raise VerifyError("noise", "X25519: %s" % error)
