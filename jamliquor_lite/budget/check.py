"""Whether a profile holds together: what all of it may take of memory at most, and numbers that contradict each other.

    rows(profile)             -> [(what, count, bytes of each)]: everything that pools, queues, tables, streams, peers
                                 may take at the same time, beside the code
    faults(profile)           -> [(field, what is wrong with it)]; the node does not start with any
    following(profile, spec)  -> the same, for what following a chain of that spec costs
    doubts(profile)           -> [(field, ...)] that are odd and harm nobody

Nothing here runs on a board: its numbers are checked when its firmware is built. What an object costs beside its
buffers is in `Costs`: measured with tracemalloc on 64-bit CPython, where tests/budget/test_check.py measures it again,
and by tools/bench/heap.py on 32-bit MicroPython.
"""

from ..const import const
from ..errors import LocalError
from .budgets import burst_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from .profile import Profile

    Row = tuple[str, int, int]
    Fault = tuple[str, str]

    class Spec(Protocol):
        """Of codec.spec.Spec, what is needed here."""

        validators: int
        epoch_length: int
        slot_seconds: int
        epoch_mark_size: int
        tickets_mark_size: int
        plain_header_size: int
        max_header_size: int


_HEADER_BYTES = const(98_577)  # the longest valid header: full spec, with a mark and every validator an offender
_SETS_BYTES = const(65_536 + 19_800)  # full spec's keys of an epoch (1,023 x 64, two entropies) and its tickets
_FALLBACK_BYTES = const(19_200)
_PLAIN_HEADER = const(512)  # a header without marks, with room for offenders: what most of a fork is made of
_MOST_RATE = const(1 << 29)  # budget/shares.py
_MOST_BURST_MS = const(1000)  # a promise is about two seconds: a burst takes no more than half of them
_RESERVED_PART = const(16)  # budget/pools.py: of the chunks
_RANGE_BYTES = const(128 * 1024)  # headers of one answer (jam/header_request.py)
_HEARD = const(1024)  # gateway/gossip.py: hashes of each sort that are remembered,
_HEARD_PEER = const(64)  # and those of one peer that nobody has shown yet
_HASH = const(32)
_VOTE = const(68)
_SIGNED_VOTE = const(164)
_BESIDE_VOTES = const(83)  # sync/warp.py: what else a justification has
_VISIT = const(12 * 1024)  # a connection with ML-KEM-768, two greetings, and the goodbye
_REMEMBERED = const(600)  # node/journal_keeper.py: a name, a host, and what is said of them, as objects and as bytes
_VOTERS = const(3 * 1_023)  # of each the start of its key, and what it chose
_OVERHEAD_CONNECTIONS = const(2)  # node/members.py: those that end, and those that come to prove themselves
_DATAGRAM = const(2048)  # ports/cpython/link.py
_INITIAL_WINDOW = const(256 * 1024)  # yamux's: what a stream can hold whatever the profile says
_FRAME_LEAST = const(2050)  # transport/connection.py: what our own peers begin with
_DAY_S = const(86_400)
# What a followed header costs beside its own bytes, in each direction: framing, TCP/IP, acknowledgements, and the pings
# of a day divided among its headers. tools/bench/day.py measures a day.
_MESSAGE_BESIDE = const(40)
_DOWN_BESIDE = const(151)
_UP_BESIDE = const(71)
_LATE_SLOTS = const(2)  # what is promised: the head is never later


class Costs:
    """Bytes of objects beside the buffers that the profile names."""

    buffer = 400  # a lent buffer: its bytearray and view
    row = 152  # of the fork tree, 149 of them columns (chain/tree.py)
    sets = _SETS_BYTES + 2048  # an epoch of the table, or the tickets of a mark
    kept = _HEADER_BYTES + 200  # a header that is kept aside
    evidence = 300
    connection = 16 * 1024  # libp2p: connection, session, upgrade, services, record; an idle one has 11 KB
    stream = 4 * 1024  # open in both directions, its chunks and their places aside
    place = 8  # of a chunk in a queue
    link = 12 * 1024  # what the node has for a connected peer, its buffers aside
    quic_connection = 128 * 1024  # aioquic's, TLS included; one that is idle has 95 KB
    question = 16 * 1024
    watch_node = 220  # of a watch list's trie, its hashes with it
    proof_node = 136  # beside its 64 bytes, which are part of the answer's
    entry = 300  # of an answer about the state
    pin = 200
    stored_header = 420  # beside its bytes, in a gateway's store
    heard = 1200  # a hash, and who has it: up to 16 peers
    waiting = 2048  # a request that waits for its turn at a gateway
    slack_permille = 125  # what an allocator keeps that is not lent: of all rows


class BoardCosts(Costs):
    """The same on a 32-bit MicroPython, with sets and the tree's hashes in flash."""

    buffer = 48
    row = 21
    sets = 512
    kept = 700
    evidence = 160
    connection = 3600
    stream = 830
    place = 4
    link = 1800
    quic_connection = 0
    question = 3000
    proof_node = 16
    entry = 100
    pin = 80
    stored_header = 0
    heard = 0
    waiting = 0
    slack_permille = 40


def rows(profile: "Profile", costs: "type[Costs]" = Costs, has_quic: bool = True, serves: bool = True) -> "list[Row]":
    """What may be taken at the same time, as (what, count, bytes of each). `serves`: it is a gateway."""
    p, c = profile, costs
    header = min(p.header_bytes, _HEADER_BYTES)
    announced = min(header + _HASH + 8, p.announce_bytes)
    connections = p.max_peers + max(_OVERHEAD_CONNECTIONS, p.handshakes)
    window = min(max(_INITIAL_WINDOW, p.stream_window_bytes), p.connection_window_bytes)
    chunks = (window + p.send_buffer_bytes) // p.chunk_bytes + 4  # places for them in a stream's queues
    quic = (p.max_peers + p.handshakes + p.asks) if has_quic else 0
    found = [
        ("frames", p.frames, p.frame_bytes + c.buffer),
        ("stream chunks", p.stream_chunks, p.chunk_bytes + c.buffer),
        ("identify buffers", p.identify_buffers, p.identify_bytes + c.buffer),
        ("rows of the fork tree", p.tree_headers, c.row),
        ("marks of the fork tree", p.tree_marks, c.sets),
        ("sets of the checkpoint, and one that is written", 4, c.sets + (_FALLBACK_BYTES if c is Costs else 0)),
        ("headers kept aside", p.held_headers, min(c.kept, header + 200)),
        ("evidence", p.equivocations, c.evidence),
        ("connections", connections, c.connection),
        ("streams", (p.max_peers + 1) * (p.inbound_streams + p.outbound_streams), c.stream + chunks * c.place),
        ("followed peers", p.max_peers, c.link + 2 * header + announced + p.read_bytes + p.push_bytes),
        ("forks that peers show", p.max_peers, p.fork_headers * min(_PLAIN_HEADER, header) + 2 * header),
        ("questions", p.asks, c.question + p.state_answer_bytes + p.proof_nodes * c.proof_node + p.read_bytes),
        ("entries of answers", p.asks * min(p.state_entries, p.state_answer_bytes // _HASH), c.entry),
        ("pins", p.pins, c.pin),
    ]
    if quic:
        found += [
            ("QUIC connections", quic, c.quic_connection + p.quic_connection_window_bytes + p.connection_send_bytes),
            ("datagrams", 64, _DATAGRAM),
        ]
    if c is Costs:  # boards do not check justifications yet
        found += [
            ("blocks that a justification has votes for", p.finality_targets, _VOTE),
            ("headers of a justification", p.finality_headers, 2 * _HASH + 8),
            ("nodes of a watch list", p.watch_nodes, c.watch_node),
            ("values of a watch list", 1, p.watch_bytes),
            ("exchanges of a watch list", p.watch_flights, c.question + p.watch_answer_bytes + p.read_bytes),
            ("votes that contradict each other, and blocks", 2 * p.equivocations, c.evidence),
            ("the justification that is read", 1, p.read_bytes + _VOTERS),
            ("the journal, when it is read", 1, p.journal_bytes // 2),
            ("peers that are remembered", p.journal_peers, _REMEMBERED),
        ]
    if serves and c is Costs:
        found += [
            ("nodes of watch lists that are served", p.watch_nodes, c.watch_node),
            ("values of watch lists that are served", 1, p.watch_bytes),
            ("exchanges of watch lists that are served", p.watch_flights,
             c.question + p.watch_answer_bytes + p.read_bytes),
            ("stored headers", 1, p.header_store_bytes),
            ("places of stored headers", p.header_store_headers, c.stored_header),
            ("stored blocks", 1, p.block_store_bytes),
            ("blocks that are fetched", p.block_fetches, 2 * p.block_bytes_kept),
            ("stored justifications", 1, p.finality_store_bytes),
            ("the justification that is kept next", 2, min(p.block_bytes_kept, p.finality_store_bytes)),
            ("relays", p.relays, p.relay_chunk_bytes + c.buffer + c.waiting),
            ("ranges that are fetched for peers", p.relays, _RANGE_BYTES + c.waiting),
            # What is dropped from the stores meanwhile lives as long as the answer that has it.
            ("answers to peers", p.max_peers * p.served_streams, c.waiting + max(_RANGE_BYTES, p.block_bytes_kept)),
            ("requests that wait", p.relay_queue, c.waiting),
            ("headers that wait for their parents", p.waiting_headers, min(c.kept, header + 200)),
            ("announcements that wait", p.max_peers * p.announce_queue, 4 * _HASH + 100),
            ("hashes of headers and blocks that were heard of", 2 * (_HEARD + p.max_peers * _HEARD_PEER), c.heard),
        ]
    taken = sum([count * size for _, count, size in found])
    return found + [("what the allocator keeps", 1, taken * c.slack_permille // 1000)]


def total(found: "list[Row]") -> int:
    """The sum of rows, in bytes."""
    return sum([count * size for _, count, size in found])


def check(profile: "Profile", costs: "type[Costs]" = Costs, has_quic: bool = True, serves: bool = True) -> None:
    """LocalError (the user's) with the first fault."""
    for field, text in faults(profile, costs, has_quic, serves):
        raise LocalError("%s: %s" % (field, text), 2)


def faults(profile: "Profile", costs: "type[Costs]" = Costs, has_quic: bool = True,
           serves: bool = True) -> "list[Fault]":
    """Everything that contradicts something else. The sum of memory comes last, for it needs the others."""
    found = _counts(profile) + _rates(profile) + _caps(profile)
    return found or _memory(profile, rows(profile, costs, has_quic, serves))


def _counts(p: "Profile") -> "list[Fault]":
    found: "list[Fault]" = []
    for field, least in (
        ("max_peers", 1), ("handshakes", 1), ("dials", 1), ("asks", 1), ("inbound_streams", 1), ("outbound_streams", 1),
        ("frames", 2), ("frame_bytes", _FRAME_LEAST), ("stream_chunks", 2), ("chunk_bytes", 64),
        ("identify_buffers", 1), ("tree_headers", 16), ("tree_marks", 2), ("leaves", 1), ("connections_per_source", 1),
        ("segment_bytes", 536), ("burst_ms", 1), ("cpu_burst_ms", 1), ("unsent_bytes", 1), ("protocol_streams", 1),
        ("protocol_permille", 1), ("allowance_quantum", 2), ("warp_fragments", 1), ("watch_items", 1),
        ("finality_relay_bytes", 1024), ("finality_store_bytes", 0),
        ("watch_flights", 1), ("watch_nodes", 512), ("watch_answer_bytes", 1024), ("served_watches", 1),
        ("watch_value_bytes", 32), ("stall_slots", 2),
        ("stall_least_ms", 1_000), ("skew_slots", 1), ("epoch_checkpoints", 1), ("epoch_wait_slots", 0),
        ("epoch_jitter_permille", 0), ("epoch_interval_ms", 100), ("epoch_retry_ms", 100),
        ("journal_day_bytes", 1024 * 1024),
    ):
        if getattr(p, field) < least:
            found.append((field, "%d, at least %d are needed" % (getattr(p, field), least)))
    for field, above in (
        ("min_peers", "max_peers"), ("reserved_peers", "max_peers"), ("max_peers", "peers_ceiling"),
        ("stream_window_bytes", "connection_window_bytes"), ("send_buffer_bytes", "connection_send_bytes"),
        ("batch_bytes", "frame_bytes"), ("cap_clear_permille", "cap_near_permille"),
        ("shed_after_ms", "stream_stall_ms"), ("watch_value_bytes", "watch_bytes"),
        ("epoch_retry_ms", "epoch_retry_max_ms"),
    ):
        if getattr(p, field) > getattr(p, above):
            found.append((field, "%d is more than %s, %d" % (getattr(p, field), above, getattr(p, above))))
    for field in ("burst_ms", "cpu_burst_ms"):
        if getattr(p, field) > _MOST_BURST_MS:
            found.append((field, "%d, at most %d may be saved up" % (getattr(p, field), _MOST_BURST_MS)))
    for field in ("cap_near_permille", "protocol_permille", "epoch_jitter_permille"):
        if getattr(p, field) > 1000:
            found.append((field, "%d of 1000" % getattr(p, field)))
    kept = max(1, p.stream_chunks // _RESERVED_PART)
    if p.max_peers and 2 <= p.stream_chunks < kept + 2 * p.max_peers:
        found.append(("stream_chunks", "%d are fewer than one each way for max_peers, %d, and %d that are kept for "
                      "what is urgent" % (p.stream_chunks, p.max_peers, kept)))
    if not 1 <= p.cpu_permille <= 1000:
        found.append(("cpu_permille", "%d is not within 1 and 1000: it is of one core" % p.cpu_permille))
    return found


def _rates(p: "Profile") -> "list[Fault]":
    found: "list[Fault]" = []
    segment = p.segment_bytes + p.segment_overhead_bytes
    for field in ("max_download_rate", "max_upload_rate", "peer_download_rate", "peer_upload_rate", "protocol_rate"):
        rate = getattr(p, field)
        if rate > _MOST_RATE:
            found.append((field, "%d bytes a second are more than is counted, %d: 0 is no cap" % (rate, _MOST_RATE)))
        if 0 < rate < segment:
            found.append((field, "%d bytes a second do not let a segment of %d through in one" % (rate, segment)))
    for field in ("max_download_rate", "max_upload_rate"):
        if getattr(p, field) >= segment > burst_of(getattr(p, field), p):
            found.append(("burst_ms", "%d ms of %s = %d are less than a segment, %d bytes" % (
                p.burst_ms, field, getattr(p, field), segment)))
    if 0 < p.max_upload_rate < 2 * p.system_upload_rate:
        found.append(("max_upload_rate", "%d bytes a second are fewer than twice system_upload_rate, %d, which the "
                      "system's own answers may take" % (p.max_upload_rate, p.system_upload_rate)))
    for field in ("socket_receive_bytes", "socket_send_bytes"):
        if 0 < getattr(p, field) < 2 * segment:
            found.append((field, "%d bytes hold less than two segments of %d" % (getattr(p, field), segment)))
    return found


def _caps(p: "Profile") -> "list[Fault]":
    found: "list[Fault]" = []
    for field in ("day_bytes", "month_bytes"):
        cap = getattr(p, field)
        if cap and 2 * p.allowance_quantum > cap:
            found.append((field, "%d bytes are fewer than two of allowance_quantum, %d, which a power cut may cost" % (
                cap, p.allowance_quantum)))
    return found


def _memory(p: "Profile", found: "list[Row]") -> "list[Fault]":
    if not p.memory_bytes:
        return []
    taken = total(found)
    if p.code_bytes + taken <= p.memory_bytes:
        return []
    largest: "list[str]" = []
    left = list(found)
    while left and len(largest) < 3:
        most = left[0]
        for row in left:
            if row[1] * row[2] > most[1] * most[2]:
                most = row
        left = [row for row in left if row is not most]
        largest.append("%s %d x %d = %d" % (most[0], most[1], most[2], most[1] * most[2]))
    return [("memory_bytes", "code_bytes %d + pools, tables and queues %d = %d, and there are %d; the largest: %s" % (
        p.code_bytes, taken, p.code_bytes + taken, p.memory_bytes, "; ".join(largest)))]


class Day:
    """What a day of following every header of a chain costs: bytes of messages, received on the wire, sent."""

    def __init__(self, spec: "Spec") -> None:
        headers = _DAY_S // spec.slot_seconds
        epochs = (headers + spec.epoch_length - 1) // spec.epoch_length
        marks = epochs * (spec.epoch_mark_size + spec.tickets_mark_size)
        self.messages = headers * (spec.plain_header_size + _MESSAGE_BESIDE) + marks
        self.down = headers * (spec.plain_header_size + _DOWN_BESIDE) + marks + marks // 16
        self.up = headers * _UP_BESIDE


def following(profile: "Profile", spec: "Spec", is_idle: bool = False) -> "list[Fault]":
    """What is too little for following a chain of this spec. `is_idle`: the node sleeps, and follows when asked."""
    p = profile
    found: "list[Fault]" = []
    day = Day(spec)
    late = _LATE_SLOTS * spec.slot_seconds
    longest = spec.plain_header_size + max(spec.epoch_mark_size, spec.tickets_mark_size)
    longest += longest // 16 + _DOWN_BESIDE
    if p.max_download_rate and p.max_download_rate * late < longest:
        found.append(("max_download_rate", "at %d bytes a second a header of %d with its framing is %d s late; %d is "
                      "the least that %d slots allow" % (p.max_download_rate, longest, longest // p.max_download_rate,
                                                         longest // late + 1, _LATE_SLOTS)))
    for field, cost in (("max_download_rate", day.down), ("max_upload_rate", day.up)):
        rate = getattr(p, field)
        if rate and rate * _DAY_S < cost:
            found.append((field, "%d bytes a second are %d a day, and following costs %d" % (
                rate, rate * _DAY_S, cost)))
    cost = day.down + day.up
    for field, days in (("day_bytes", 1), ("month_bytes", 30)):
        cap = getattr(p, field)
        if cap and not is_idle and cap < days * cost:
            found.append((field, "%d bytes are fewer than following every header costs in %s: %d (%d received of which "
                          "%d are messages, %d sent a day); allow more, or choose mode `idle`" % (
                              cap, "a day" if days == 1 else "30 days", days * cost, day.down, day.messages, day.up)))
    return found


def jumping(profile: "Profile", spec: "Spec") -> "list[Fault]":
    """What is too little for mode `epoch` on a chain of this spec: caps below what its jumps cost."""
    votes = _BESIDE_VOTES + (2 * spec.validators // 3 + 1) * _SIGNED_VOTE
    fragment = spec.plain_header_size + spec.epoch_mark_size + votes
    epochs = max(1, _DAY_S // (spec.epoch_length * spec.slot_seconds))
    cost = epochs * (fragment + fragment // 16 + _VISIT)
    found: "list[Fault]" = []
    for field, days in (("day_bytes", 1), ("month_bytes", 30)):
        cap = getattr(profile, field)
        if cap and cap < days * cost:
            found.append((field, "%d bytes are fewer than a jump an epoch costs in %s: %d" % (
                cap, "a day" if days == 1 else "30 days", days * cost)))
    return found


def doubts(profile: "Profile") -> "list[Fault]":
    """What is odd, and no reason to refuse it."""
    p = profile
    found: "list[Fault]" = []
    if p.day_bytes and p.max_download_rate and p.max_upload_rate:
        most = (p.max_download_rate + p.max_upload_rate) * _DAY_S
        if p.day_bytes > most:
            found.append(("day_bytes", "%d is more than the rates let through in a day, %d" % (p.day_bytes, most)))
    if p.month_bytes and p.day_bytes > p.month_bytes:
        found.append(("day_bytes", "%d is more than month_bytes, %d" % (p.day_bytes, p.month_bytes)))
    return found
