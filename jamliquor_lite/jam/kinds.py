"""JAMNP-S stream kinds, and the codes a stream is reset with (zdave-parity/jam-np, simple.md).

The initiator's first byte on a stream is its kind: UP (unique, persistent) kinds count from 0, CE (common,
ephemeral) kinds from 128. The text leaves the reset codes to the implementation; these are ours, and a peer's
code is shown, never interpreted.
"""

BLOCK_ANNOUNCEMENT = 0
BLOCK_REQUEST = 128
STATE_REQUEST = 129
TICKET_TO_PROXY = 131
TICKET_TO_VALIDATORS = 132
WORK_PACKAGE_SUBMISSION = 133
WORK_PACKAGE_SHARING = 134
WORK_REPORT_DISTRIBUTION = 135
WORK_REPORT_REQUEST = 136
SHARD_DISTRIBUTION = 137
AUDIT_SHARD_REQUEST = 138
SEGMENT_SHARD_REQUEST = 139
SEGMENT_SHARD_REQUEST_JUSTIFIED = 140
ASSURANCE_DISTRIBUTION = 141
PREIMAGE_ANNOUNCEMENT = 142
PREIMAGE_REQUEST = 143
AUDIT_ANNOUNCEMENT = 144
JUDGMENT_PUBLICATION = 145
BUNDLE_REQUEST = 147
SEGMENT_REQUEST = 148

FIRST_EPHEMERAL = 128

_NAMES = {
    BLOCK_ANNOUNCEMENT: "block announcement",
    BLOCK_REQUEST: "block request",
    STATE_REQUEST: "state request",
    TICKET_TO_PROXY: "ticket to proxy",
    TICKET_TO_VALIDATORS: "ticket to validators",
    WORK_PACKAGE_SUBMISSION: "work-package submission",
    WORK_PACKAGE_SHARING: "work-package sharing",
    WORK_REPORT_DISTRIBUTION: "work-report distribution",
    WORK_REPORT_REQUEST: "work-report request",
    SHARD_DISTRIBUTION: "shard distribution",
    AUDIT_SHARD_REQUEST: "audit shard request",
    SEGMENT_SHARD_REQUEST: "segment shard request",
    SEGMENT_SHARD_REQUEST_JUSTIFIED: "segment shard request with justification",
    ASSURANCE_DISTRIBUTION: "assurance distribution",
    PREIMAGE_ANNOUNCEMENT: "preimage announcement",
    PREIMAGE_REQUEST: "preimage request",
    AUDIT_ANNOUNCEMENT: "audit announcement",
    JUDGMENT_PUBLICATION: "judgment publication",
    BUNDLE_REQUEST: "bundle request",
    SEGMENT_REQUEST: "segment request",
}

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
    """`CE 129 state request`, as messages show a kind; kinds that nobody has defined are `CE 200`."""
    prefix = "%s %d" % ("UP" if kind < FIRST_EPHEMERAL else "CE", kind)
    title = _NAMES.get(kind)
    return prefix + " " + title if title else prefix
