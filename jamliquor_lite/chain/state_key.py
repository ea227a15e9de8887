"""State keys, the 31 bytes under which a part of the state lies in the trie (GP 0.7.2, appendix D.1)."""

from ..const import const
from ..crypto.suite import blake2b_256
from ..errors import LocalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview

# Chapters: chapter(SAFROLE) and the like. The names are those of the Gray Paper's state components.
AUTHORIZER_POOLS = const(1)  # alpha
AUTHORIZER_QUEUES = const(2)  # phi
RECENT_HISTORY = const(3)  # beta
SAFROLE = const(4)  # gamma: the next set, ring root, seals and ticket accumulator
DISPUTES = const(5)  # psi
ENTROPY = const(6)  # eta
STAGING_SET = const(7)  # iota
ACTIVE_SET = const(8)  # kappa
PREVIOUS_SET = const(9)  # lambda
REPORTS = const(10)  # rho
SLOT = const(11)  # tau
PRIVILEGES = const(12)  # chi
STATISTICS = const(13)  # pi
READY = const(14)  # omega
ACCUMULATED = const(15)  # xi
LAST_OUTPUTS = const(16)  # theta
_SERVICE = const(255)
_STORAGE_MARK = b"\xff\xff\xff\xff"  # 2^32 - 1
_PREIMAGE_MARK = b"\xfe\xff\xff\xff"  # 2^32 - 2
_MAX_ID = 0xFFFFFFFF


def chapter(number: int) -> bytes:
    """C(i): the key of a state component, `number` being 0 to 255."""
    return bytes((number,)) + bytes(30)


def service_account(service: int) -> bytes:
    """C(255, s): the key of a service's account."""
    n = _id(service)
    return bytes((_SERVICE, n[0], 0, n[1], 0, n[2], 0, n[3])) + bytes(23)


def service_storage(service: int, key: "Buffer") -> bytes:
    """The key of a service's storage entry, given the key that the service uses, of any length."""
    return _item_key(service, _STORAGE_MARK + bytes(key))


def service_preimage(service: int, preimage_hash: "Buffer") -> bytes:
    """The key of a preimage that a service provides, given its BLAKE2b-256."""
    return _item_key(service, _PREIMAGE_MARK + _hash(preimage_hash))


def service_request(service: int, preimage_hash: "Buffer", length: int) -> bytes:
    """The key of a service's request for a preimage of this hash and length (the lookup's history)."""
    if not 0 <= length <= _MAX_ID:
        raise LocalError("preimage length %d is outside 0 to 2^32 - 1" % length, 2)
    return _item_key(service, length.to_bytes(4, "little") + _hash(preimage_hash))


def _item_key(service: int, item: bytes) -> bytes:
    # C(s, h): the service's id between the first bytes of the item's hash.
    n = _id(service)
    a = blake2b_256(item)
    return bytes((n[0], a[0], n[1], a[1], n[2], a[2], n[3], a[3])) + a[4:27]


def _id(service: int) -> bytes:
    if not 0 <= service <= _MAX_ID:
        raise LocalError("service id %d is outside 0 to 2^32 - 1" % service, 2)
    return service.to_bytes(4, "little")


def _hash(value: "Buffer") -> bytes:
    if len(value) != 32:
        raise LocalError("a preimage hash has 32 bytes, not %d" % len(value), 2)
    return bytes(value)
