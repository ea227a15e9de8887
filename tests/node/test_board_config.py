"""The settings file of a board: what it may say, and the one line that is said of every fault."""
# portable: runs on CPython and MicroPython

from jamliquor_lite.errors import LocalError
from jamliquor_lite.node import board_config
from tests.support import raises

NAME = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"
PEER = b"peer = /ip4/10.0.2.2/tcp/30333/p2p/" + NAME.encode() + b"\n"


def fault(data):
    error = raises(LocalError, board_config.parse, data)
    text = str(error)
    assert "\n" not in text and error.exit_code == 2
    return text


def test_one_peer_is_enough():
    found = board_config.parse(PEER)
    assert found.peers == [(NAME, "10.0.2.2", 30333)]
    assert (found.chain, found.start, found.key, found.pq) == ("jam", "start.cbor", "node.key", "require")
    assert found.status_ms == 0


def test_everything_that_may_stand_there():
    text = b"# a comment\r\n\n  chain=devnet\nstart = first\t\nkey = other.key\npq = prefer\n" + PEER + PEER
    found = board_config.parse(text)
    assert (found.chain, found.start, found.key, found.pq) == ("devnet", "first", "other.key", "prefer")
    assert len(found.peers) == 2
    six = board_config.parse(b"peer = /ip6/fe80::1/tcp/1/p2p/" + NAME.encode())
    assert six.peers == [(NAME, "fe80::1", 1)]
    serial = board_config.parse(b"status = 1000\npeer = /serial/uart1@57600/p2p/" + NAME.encode())
    assert serial.peers == [(NAME, "/serial/uart1@57600", 0)] and serial.status_ms == 1000


def test_faults_name_the_line():
    assert "names no peer" in fault(b"") and "names no peer" in fault(b"chain = x\n")
    for line, what in (
        (b"peers = x", "`peers` is no setting"),
        (b"pq", "no `name = value`"),
        (b"pq =", "pq has no value"),
        (b"pq = maybe", "allowed are require, prefer, off"),
        (b"status = 99", "status is `99`; it is 0, or 100 or more ms"),
        (b"status = often", "status is `often`"),
        (b"status = -1", "status is `-1`"),
        (b"status = 99999999", "status is `99999999`"),
        (b"peer = /serial/uart1", "PEER-ID"),
        (b"chain = " + b"x" * 65, "65 characters"),
        (b"key = /etc/passwd", "beside this one"),
        (b"start = ../x", "beside this one"),
        (b"peer = 10.0.2.2:30333", "peer: "),
        (b"peer = /ip4/10.0.2.2/tcp/30333", "PEER-ID"),
        (b"peer = /dns4/example.org/tcp/30333/p2p/" + NAME.encode(), "ip6"),
        (b"peer = /ip4/10.0.2.2/udp/1/quic-v1/p2p/" + NAME.encode(), "PEER-ID"),
        (b"peer = /ip4/10.0.2.2/tcp/0/p2p/" + NAME.encode(), "peer: "),
        (b"peer = /ip4/10.0.2.2/tcp/1/p2p/12D3", "peer: "),
    ):
        text = fault(PEER + b"\n" + line + b"\n")
        assert text.startswith("board.conf line 3: ") and what in text, text


def test_a_setting_may_not_stand_twice():
    assert "line 2: chain stands there twice" in fault(b"chain = a\nchain = b\n" + PEER)


def test_what_is_no_text_is_refused():
    for byte in (b"\0", b"\x1b", b"\xff", b"\x7f"):
        assert "no plain text" in fault(PEER + byte)


def test_too_many_peers_and_too_long_a_file():
    assert "more than 16 peers" in fault(PEER * 17)
    assert "no such settings file" in str(raises(LocalError, board_config.read, "no/such/board.conf"))
