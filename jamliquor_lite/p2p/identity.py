"""Who this host is on the lite network, and the check that a peer is who its key says."""

from ..crypto import suite
from ..errors import VerifyError
from . import keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .keys import Buffer


class Identity:
    """The Ed25519 key of a 32-byte `seed`: the same seed and key as in JAM, so a host has one key and two names.

    `public` (32 bytes), `key` (its protobuf, as it goes over the wire), `peer_id` (a multihash), `name` (its text).
    """

    def __init__(self, seed: "Buffer") -> None:
        self.public = suite.ed25519_public(seed)
        self.key = keys.encode(keys.ED25519, self.public)
        self.peer_id = keys.peer_id(self.key)
        self.name = keys.peer_name(self.peer_id)
        self._seed = bytes(seed)

    def sign(self, message: "Buffer") -> bytes:
        """Our signature of `message`, 64 bytes."""
        return suite.ed25519_sign(self._seed, message, self.public)

    @staticmethod
    def verify_peer(key: "Buffer", signature: "Buffer", message: "Buffer") -> bytes:
        """The peer id of a key whose owner signed `message`.

        VerifyError("identity") when the signature is wrong, the key malformed, or nothing here verifies its type;
        the text says which. A wrong Ed25519 signature is the slow case (crypto/suite.py): bound how many one may send.
        """
        key_type, data = keys.decode(key)
        if key_type == keys.ED25519:
            fault = "" if suite.ed25519_verify(data, signature, message) else "the signature is wrong"
        else:
            from ..crypto import peer_keys  # for the few peers that have such a key

            fault = peer_keys.fault(keys.NAMES[key_type], data, signature, message)
        if fault:
            raise VerifyError("identity", "the peer's key (%s): %s" % (keys.NAMES[key_type], fault))
        return keys.peer_id(key)

    @staticmethod
    def name_of(peer_id: "Buffer") -> str:
        """The text of a peer id."""
        return keys.peer_name(bytes(peer_id))

    @staticmethod
    def ed25519_of(key: "Buffer") -> bytes:
        """The 32 bytes of a peer's key, which is one that `verify_peer` took; b"" when it is of another type."""
        key_type, data = keys.decode(key)
        return bytes(data) if key_type == keys.ED25519 else b""
