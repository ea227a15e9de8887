"""Who comes and who goes: peers that dial us, and those that make room for others."""

from ..budget.slots import INBOUND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .carrier import Carrier, Connection
    from .node import Node
    from .peers import Record


def accept(node: "Node", carrier: "Carrier", connection: "Connection", now: int) -> None:
    """Take a peer that has dialed us and proved who it is, if there is a slot for it."""
    if node.budgets.is_asleep:
        connection.close(0, "asleep")
        return
    peers, name = node.peers, connection.peer_name
    record = peers.named(name) or _stranger(node, carrier, connection, now)
    if record is None:
        node.peers_declined += 1
        connection.close(0, "no room for another peer")
        return
    link = record.link
    if link is not None:
        # Both dialed at once: both keep the one that the smaller name began. Later than that we stay with ours:
        # typeberry dials whoever left it, finds another name there than it looked for, and leaves. But a peer that
        # comes again has lost the connection by which it came before: a board that was reset says no goodbye.
        if link.connection.is_dialed and (link.greeted or carrier.name < name):
            connection.close(0, "connected already")
            return
        link.connection.close(0, "connected already")
        link.close()
    node.follow(record, connection, now)


def evict(node: "Node", now: int) -> "Connection | None":
    """Memory is exhausted, and no stream is left to be reset: the connection of the worst peer, which is forgotten
    here. None where only those are left that the user named."""
    record = node.peers.to_evict(now, True)
    if record is None or record.link is None:
        return None
    connection = record.link.connection
    _part(node, record, "memory is exhausted", now)
    return connection


def leave_all(node: "Node", reason: str, now: int) -> None:
    """Close every connection, and hold it against nobody."""
    for record in list(node.peers.records):
        link = record.link
        if link is not None:
            link.connection.close(0, reason)
            link.close()
            node.peers.left(record, reason, now)
    for connection in node.state_connections.values():
        connection.close(0, reason)
    node.state_connections.clear()


def _stranger(node: "Node", carrier: "Carrier", connection: "Connection", now: int) -> "Record | None":
    peers, name, (host, port) = node.peers, connection.peer_name, connection.addr
    record = peers.add(name, host, port, carrier, INBOUND)
    if record is None:
        worst = peers.to_evict(now)
        if worst is not None and worst.link is not None:
            gone = worst.link.connection
            _part(node, worst, "another peer has its place", now)
            gone.close(0, worst.reason)
            record = peers.add(name, host, port, carrier, INBOUND)
    return record


def _part(node: "Node", record: "Record", reason: str, now: int) -> None:
    assert record.link is not None
    record.link.close()
    node.peers.failed(record, reason, now)
    node.peers_evicted += 1
    node.on_event("peer_left", {"peer": record.name, "reason": reason})
