"""Stream kinds, how either network names them, and the codes a stream is reset with.

JAMNP-S (zdave-parity/jam-np, simple.md): the initiator's first byte on a stream is its kind. UP (unique,
persistent) kinds count from 0, CE (common, ephemeral) kinds from 128. The text leaves the reset codes to the
implementation; these are ours, and a peer's code is shown, never interpreted.

The lite network names the protocol of a stream instead, with the first 8 hex digits of the genesis header hash:
`/jam/<genesis8>/<kind>/1` for a kind of JAMNP-S, and a name of our own for what JAMNP-S does not have. Those kinds
have numbers that no byte holds, so that none can ever travel over QUIC.
"""

from ..budget.classes import FINALITY, GOSSIP, HEADERS, QUERIES, SERVING
from ..const import const
from ..errors import LocalError

BLOCK_ANNOUNCEMENT = const(0)
BLOCK_REQUEST = const(128)
STATE_REQUEST = const(129)
JUSTIFICATION_REQUEST = const(130)  # this and 153: pull request 6 of jam-np, which nobody else serves yet
TICKET_TO_PROXY = const(131)
TICKET_TO_VALIDATORS = const(132)
WORK_PACKAGE_SUBMISSION = const(133)
WORK_PACKAGE_SHARING = const(134)
WORK_REPORT_DISTRIBUTION = const(135)
WORK_REPORT_REQUEST = const(136)
SHARD_DISTRIBUTION = const(137)
AUDIT_SHARD_REQUEST = const(138)
SEGMENT_SHARD_REQUEST = const(139)
SEGMENT_SHARD_REQUEST_JUSTIFIED = const(140)
ASSURANCE_DISTRIBUTION = const(141)
PREIMAGE_ANNOUNCEMENT = const(142)
PREIMAGE_REQUEST = const(143)
AUDIT_ANNOUNCEMENT = const(144)
JUDGMENT_PUBLICATION = const(145)
BUNDLE_REQUEST = const(147)
SEGMENT_REQUEST = const(148)
WARP_SYNC_REQUEST = const(153)

FIRST_EPHEMERAL = 128

# Who opens such a stream sends, finishes, and waits for our FIN (discard.py).
PUSHES = (
    TICKET_TO_PROXY,
    TICKET_TO_VALIDATORS,
    WORK_REPORT_DISTRIBUTION,
    ASSURANCE_DISTRIBUTION,
    PREIMAGE_ANNOUNCEMENT,
    AUDIT_ANNOUNCEMENT,
    JUDGMENT_PUBLICATION,
)

# Of the lite network only.
FIRST_LITE = 256
HEADER_REQUEST = const(256)  # header_request.py
HEADER_ANNOUNCEMENT = const(257)  # header_announcement.py
BLOCK_OFFER = const(258)  # header_announcement.py
RELAYED_REQUEST = const(259)  # relayed_request.py
ATTESTATION_REQUEST = const(260)  # attestation.py
DIFFERENCE_REQUEST = const(261)  # difference_request.py

# What a node of the lite network opens streams of.
SPOKEN = (BLOCK_ANNOUNCEMENT, BLOCK_REQUEST, STATE_REQUEST, HEADER_REQUEST, HEADER_ANNOUNCEMENT)

_LITE = ((HEADER_REQUEST, "headers"), (HEADER_ANNOUNCEMENT, "announce"), (BLOCK_OFFER, "blocks"),
         (RELAYED_REQUEST, "relay"), (ATTESTATION_REQUEST, "attest"), (DIFFERENCE_REQUEST, "difference"))
_VERSION = "1"

# Constant, so that MicroPython leaves it in flash.
_NAMES = (
    (BLOCK_ANNOUNCEMENT, "block announcement"),
    (BLOCK_REQUEST, "block request"),
    (STATE_REQUEST, "state request"),
    (JUSTIFICATION_REQUEST, "Grandpa justification request"),
    (WARP_SYNC_REQUEST, "warp sync request"),
    (TICKET_TO_PROXY, "ticket to proxy"),
    (TICKET_TO_VALIDATORS, "ticket to validators"),
    (WORK_PACKAGE_SUBMISSION, "work-package submission"),
    (WORK_PACKAGE_SHARING, "work-package sharing"),
    (WORK_REPORT_DISTRIBUTION, "work-report distribution"),
    (WORK_REPORT_REQUEST, "work-report request"),
    (SHARD_DISTRIBUTION, "shard distribution"),
    (AUDIT_SHARD_REQUEST, "audit shard request"),
    (SEGMENT_SHARD_REQUEST, "segment shard request"),
    (SEGMENT_SHARD_REQUEST_JUSTIFIED, "segment shard request with justification"),
    (ASSURANCE_DISTRIBUTION, "assurance distribution"),
    (PREIMAGE_ANNOUNCEMENT, "preimage announcement"),
    (PREIMAGE_REQUEST, "preimage request"),
    (AUDIT_ANNOUNCEMENT, "audit announcement"),
    (JUDGMENT_PUBLICATION, "judgment publication"),
    (BUNDLE_REQUEST, "bundle request"),
    (SEGMENT_REQUEST, "segment request"),
    (HEADER_REQUEST, "header request"),
    (HEADER_ANNOUNCEMENT, "header announcement"),
    (BLOCK_OFFER, "block offer"),
    (RELAYED_REQUEST, "relayed request"),
    (ATTESTATION_REQUEST, "attestation request"),
    (DIFFERENCE_REQUEST, "difference request"),
)

# Reset codes.
NO_ERROR = 0
CANCELLED = 1  # the initiator has no more use for the answer
DECLINED = 2  # the acceptor will not, or cannot, answer this request
UNSUPPORTED = 3  # a stream kind that is not served here
TOO_MANY_STREAMS = 4
SUPERSEDED = 5  # a newer UP stream of the same kind took the place of this one
MALFORMED = 6  # not the encoding that the kind prescribes
OVERSIZE = 7  # a message, or an answer, longer than allowed
TRUNCATED = 8  # the stream ended inside a message, or before a message that was due
SURPLUS = 9  # more messages or items than the kind allows, or than were asked for
TIMED_OUT = 10


def name(kind: int) -> str:
    """`CE 129 state request`, `lite header request`; kinds that nobody has defined are `CE 200`."""
    title = _look_up(_NAMES, kind)
    if kind >= FIRST_LITE:
        return "lite " + (title or str(kind))
    prefix = "%s %d" % ("UP" if kind < FIRST_EPHEMERAL else "CE", kind)
    return prefix + " " + title if title else prefix


def protocol(kind: int, genesis8: str) -> str:
    """The libp2p protocol that carries a kind. `genesis8`: the first 8 lower-case hex digits of the genesis hash."""
    if 0 <= kind < FIRST_LITE:
        return "/jam/%s/%d/%s" % (genesis8, kind, _VERSION)
    name = _look_up(_LITE, kind)
    if not name:
        raise LocalError("no stream kind has the number %d" % kind)
    return "/jamliquor/%s/%s/%s" % (genesis8, name, _VERSION)


def kind_of(protocol: str, genesis8: str) -> int:
    """The kind that a libp2p protocol carries, or -1: no JAM kind, another chain's, or not in its one spelling."""
    parts = protocol.split("/")
    if len(parts) != 5 or parts[0] or parts[2] != genesis8 or parts[4] != _VERSION:
        return -1
    if parts[1] == "jam":
        return _byte(parts[3])
    if parts[1] == "jamliquor":
        for kind, name in _LITE:
            if name == parts[3]:
                return kind
    return -1


def class_of(kind: int, is_ours: bool) -> int:
    """What a stream of a kind is for (budget/classes.py). `is_ours`: we ask, and do not answer."""
    if kind == BLOCK_ANNOUNCEMENT or kind == HEADER_ANNOUNCEMENT:
        return HEADERS
    if kind in PUSHES or kind == BLOCK_OFFER:
        return GOSSIP
    if not is_ours or kind == RELAYED_REQUEST:  # which we pass on for a peer
        return SERVING
    if kind == JUSTIFICATION_REQUEST or kind == WARP_SYNC_REQUEST:
        return FINALITY
    return HEADERS if kind == HEADER_REQUEST or kind == BLOCK_REQUEST else QUERIES


def _look_up(table: "tuple[tuple[int, str], ...]", kind: int) -> str:
    for known, text in table:
        if known == kind:
            return text
    return ""


def _byte(text: str) -> int:
    # 0 to 255 in decimal without leading zeros, or -1. int() would take signs, blanks, `_` and foreign digits.
    if not 1 <= len(text) <= 3 or (text[0] == "0" and text != "0"):
        return -1
    value = 0
    for char in text:
        if not "0" <= char <= "9":
            return -1
        value = 10 * value + ord(char) - 48
    return value if value < FIRST_LITE else -1
