"""What a peer is worth, by what it did, and who has to go: a policy over records (peers.py) that keeps nothing itself.

A stranger is worth 0. So whoever was of use is never put out for a stranger, however many come; of the others only
those who had their time, and of these not the ones who have been here longest. Who floods a node with strangers puts
out his own, one in `grace_ms` for each place that he has.
"""

from ..const import const

GRACE_MS = const(60_000)  # at full spec ten blocks: so long a peer has to be of use before it can be put out
FADE_MS = const(600_000)  # what was done so long ago counts half
_PROTECTED = const(4)  # one in so many inbound peers, those that have been here longest, is kept whatever it did

# What counts, in headers that nobody had brought before.
_PROVED = const(4)  # an answer that was proved
_DECLINED = const(1)  # a question that it would not answer: taken off
_STALLED = const(4)  # it let us wait, or sat on what was lent to it: taken off
_BLAMED = const(64)  # an answer that was none: taken off
_TAKEN = const(256)  # units of work for it that cost as much as a header is worth

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .peers import Record


def worth(record: "Record") -> int:
    """0 for a stranger; more for who brings more than it takes."""
    return (record.firsts + _PROVED * record.proved - _DECLINED * record.declined - _STALLED * record.stalls
            - _BLAMED * record.blamed - record.taken // _TAKEN)


def fade(record: "Record") -> None:
    """Time has passed: what was done counts half. Blame does not fade."""
    record.firsts >>= 1
    record.proved >>= 1
    record.declined >>= 1
    record.stalls >>= 1
    record.taken >>= 1


def to_evict(records: "list[Record]", now: int, grace_ms: int = GRACE_MS) -> "Record | None":
    """Whose place a stranger gets that has just proved who it is; None where nobody has to go."""
    inbound = [record for record in records if record.inbound and record.link is not None]
    useless = [record for record in inbound if worth(record) <= 0]
    kept = min(len(inbound) // _PROTECTED, len(useless))
    for _ in range(kept):
        useless.remove(_oldest(useless))
    return _worst([record for record in useless if now - record.since >= grace_ms])


def to_shed(records: "list[Record]") -> "Record | None":
    """Who goes when memory is exhausted: the worst of all but those that the user named, strangers before them, where
    each buffer that a peer holds counts as a header against it."""
    linked = [record for record in records if record.link is not None and not record.is_trusted]
    inbound = [record for record in linked if record.inbound]
    return _worst(inbound or linked, True)


def held(record: "Record") -> int:
    """Buffers of ours that are lent for this peer."""
    session = getattr(record.link.connection, "session", None) if record.link is not None else None
    return session.inbox.used + session.outbox.used if session is not None else 0  # QUIC has none of ours


def _worst(records: "list[Record]", with_held: bool = False) -> "Record | None":
    # Of equals the one that came last: who goes on coming takes his own places.
    found, least = None, (0, 0)
    for record in records:
        value = (worth(record) - held(record) if with_held else worth(record), -record.since)
        if found is None or value < least:
            found, least = record, value
    return found


def _oldest(records: "list[Record]") -> "Record":
    found = records[0]
    for record in records:
        if (record.since, -worth(record)) < (found.since, -worth(found)):
            found = record
    return found
