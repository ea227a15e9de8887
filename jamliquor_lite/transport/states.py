"""The face of a connection, over QUIC or libp2p alike, as the node sees it.

    state                       CONNECTING, READY or CLOSED; CLOSED with `close_code` and `close_reason`, one line
    addr, is_dialed             the peer's (host, port); whether we began it
    peer_name, peer_key         who is there: its name on this network, its 32-byte Ed25519 key; empty before READY
    suite                       how it is secured: CLASSICAL, HYBRID (with ML-KEM-768), or "" before READY
    carries_lite_kinds          whether the stream kinds of the lite network (jam/kinds.py, above 255) can be opened
    open(kind) -> stream        a stream with the face of budget/stream.py, or None: not READY, or at a cap
    accept() -> stream          the next stream of the peer, with its `kind`, or None
    close(code, reason)         end it; the streams are CLOSED at once
"""

CONNECTING = 0
READY = 1
CLOSED = 2

CLASSICAL = "classical"
HYBRID = "hybrid"
