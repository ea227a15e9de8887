"""What is spent of every budget, as one row of numbers: the flat part of status.py that is the same on all ports.

    frames_, chunks_, identify_   the pools: size of a buffer in bytes, count, free, least_free, refused
    cpu_, down_, up_              rate a second (0: no limit), burst, total spent, most and debt (the highest debt, and
                                  that of now), then spent_ and deferred_ by class (budget/classes.py). Rates and debts
                                  of the processor are microseconds, what is spent of it milliseconds; the rest are
                                  bytes on the wire
    day_, month_                  bytes used of the caps, the caps (0: none); allowance_left: bytes, -1 without a cap
    slots_                        inbound, outbound, trusted: taken now; most that were taken at once, refused
    the profile's own             max_peers, inbound_peers, reserved_peers
    peers_declined, peers_evicted strangers for whom there was no slot; peers that went for another, or for memory
    streams_shed, peers_shed      reset or closed because memory was exhausted; `slow_resets` because nothing was taken
    wire_in, wire_out, unsent     bytes with all headers below; bytes that the system holds and the peers do not take
    handshaking_                  frames for peers that have not proved who they are: limit, used, most, refused
    protocols_refused             streams and chunks that a protocol had too many of
    flash_                        what was written there: long headers, those of them that led to nothing, and sets of
                                  validators or tickets (long_header.py, flash_sets.py); 0 on hosts
"""

from ..budget.classes import COUNT, NAMES
from ..budget.slots import NAMES as SLOTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .node import Node

_POOLS = ("frames", "chunks", "identify")
_POOL = ("size", "count", "free", "least_free", "refused")
_SHARES = ("cpu", "down", "up")
_ALLOWANCE = ("day_used", "day_bytes", "month_used", "month_bytes")
_PROFILE = ("max_peers", "inbound_peers", "reserved_peers")
_NODE = ("peers_declined", "peers_evicted")
_SCOPE = ("limit", "used", "most", "refused")
_CARRIER = ("wire_in", "wire_out", "unsent")
_FLASH = ("headers", "wasted", "sets")


def names() -> "Iterator[str]":
    """What `numbers` yields, by name."""
    for pool in _POOLS:
        for what in _POOL:
            yield "%s_%s" % (pool, what)
    for share in _SHARES:
        for what in ("rate", "burst", "total", "most", "debt"):
            yield "%s_%s" % (share, what)
        for what in ("spent", "deferred"):
            for name in NAMES:
                yield "%s_%s_%s" % (share, what, name)
    yield from _ALLOWANCE
    yield "allowance_left"
    for what in SLOTS + ("most", "refused"):
        yield "slots_" + what
    yield from _PROFILE
    yield from _NODE
    yield from ("streams_shed", "peers_shed", "slow_resets")
    yield from _CARRIER
    for what in _SCOPE:
        yield "handshaking_" + what
    yield "protocols_refused"
    for what in _FLASH:
        yield "flash_" + what


def numbers(node: "Node") -> "Iterator[int]":
    """All of them, now. Nothing is made but integers that are larger than a word."""
    budgets = node.budgets
    pools = shedding = terms = None
    traffic = []
    for carrier in node.carriers:
        traffic.append(getattr(carrier, "traffic", carrier))
        pools = pools or getattr(carrier, "pools", None)  # QUIC has none of ours
        shedding = shedding or getattr(carrier, "shedding", None)
        terms = terms or getattr(carrier, "terms", None)
    for name in _POOLS:
        pool = getattr(pools, name, None)
        for what in _POOL:
            yield getattr(pool, what, 0)
    for name in _SHARES:
        share = getattr(budgets, name)
        yield share.rate
        yield share.burst
        yield share.total
        yield share.most
        yield share.debt()
        for cls in range(COUNT):
            yield share.spent[cls]
        for cls in range(COUNT):
            yield share.deferred[cls]
    allowance, slots = budgets.allowance, budgets.slots
    for what in _ALLOWANCE:
        yield getattr(allowance, what)
    yield allowance.left() if allowance.is_capped else -1
    yield from slots.taken
    yield slots.most
    yield sum(slots.refused)
    for what in _PROFILE:
        yield getattr(budgets.profile, what)
    for what in _NODE:
        yield getattr(node, what)
    yield getattr(shedding, "streams", 0)
    yield getattr(shedding, "peers", 0)
    yield sum([getattr(one, "resets", 0) for one in traffic])
    for what in _CARRIER:
        yield sum([getattr(one, what, 0) for one in traffic])
    for what in _SCOPE:
        yield getattr(terms.handshaking, what) if terms is not None else 0
    refused = 0
    if terms is not None:
        for kind in terms.scopes:
            refused += terms.scopes[kind].refused + terms.scopes[kind].streams.refused
    yield refused
    headers, flash = node.long_headers, node.flash
    yield headers.written if headers is not None else 0
    yield headers.allowance.wasted if headers is not None else 0
    yield flash.sets.sets_written if flash is not None else 0
