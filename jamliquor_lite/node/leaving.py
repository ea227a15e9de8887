"""Turning to others when no head comes: one connected peer goes at a time, the one of least use, as long as there is
another one to turn to. When all of the network stands still, none of them is to blame."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .node import Node
    from .peers import Record


def leave_one(node: "Node", silent_ms: int, now: int) -> str:
    """Leave a peer, where that may help. What is done, in words."""
    linked = [record for record in node.peers.records if record.link is not None and record.link.ready]
    waiting = sum([record.link is None and not record.inbound for record in node.peers.records])
    if not linked:
        return "dialing %d" % waiting if waiting else "waiting for a peer"
    if not waiting and len(linked) < 2:
        return "waiting: no other peer is known"
    record = _least(linked)
    reason = "no new head for %d ms" % silent_ms
    if record.link is not None:
        record.link.connection.close(0, reason)
        record.link.close()
    node.peers.failed(record, reason, now)
    node.on_event("peer_left", {"peer": record.name, "reason": reason})
    return "leaving %s…, dialing %d" % (record.name[:12], waiting)


def _least(linked: "list[Record]") -> "Record":
    # Of least use; of equals, who has been here longest.
    found = linked[0]
    for record in linked:
        if (record.firsts + record.proved, record.since) < (found.firsts + found.proved, found.since):
            found = record
    return found
