"""The face of a stream, whoever carries it: QUIC, yamux, or the fake link of the tests.

    recv_into(buf, start, end) -> n     bytes now in buf[start:start+n]; 0 means nothing is here yet
    send(buf, start, end) -> taken      0 means no room now; the caller keeps the rest and comes back
    finish()                            our half is complete (FIN)
    reset(code)                         both halves are given up
    credit(n)                           the reader has consumed n bytes: open the peer's window by as much
    state                               the bits below
    reset_code                          the code that the peer reset or stopped the stream with

No call waits, and none raises for "not yet". The window a stream starts with is a number of the profile; reading
does not open it again, only `credit` does, so a slow consumer slows the peer down (DESIGN §4, §5).
"""

READ_ENDED = 1  # the peer finished its half and all of it was read
READ_RESET = 2  # the peer reset its half: what was unread is lost
SEND_FINISHED = 4  # we finished our half
SEND_STOPPED = 8  # the peer wants no more from us (STOP_SENDING, RST)
CLOSED = 16  # the connection beneath is gone
DEAD = READ_RESET | SEND_STOPPED | CLOSED
