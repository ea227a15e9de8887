"""A peer that holds the keys and sends whatever it likes: no frame raises, and what it says stays bounded."""

import random

import pytest

from jamliquor_lite.errors import LocalError
from jamliquor_lite.transport import quic_core
from jamliquor_lite.transport.quic import CLOSED, READY
from jamliquor_lite.transport.quic_core import QuicPacketBuilder, packet
from tests.transport.pipe import CLIENT_ADDR, connected

PING = 0x01


def packet_of(client, payload):
    """A datagram with one packet of the client's that holds `payload` after a PING."""
    core = client._core
    builder = QuicPacketBuilder(
        host_cid=core.host_cid,
        is_client=True,
        max_datagram_size=1200,
        packet_number=core._packet_number,
        peer_cid=core._peer_cid.cid,
        version=core._version,
    )
    builder.start_packet(packet.QuicPacketType.ONE_RTT, core._cryptos[quic_core.tls.Epoch.ONE_RTT])
    builder.start_frame(PING).push_bytes(payload)
    datagrams, _ = builder.flush()
    core._packet_number = builder.packet_number
    return datagrams[0]


def varint(value):
    for size, mark in ((1, 0), (2, 1), (4, 2), (8, 3)):
        if value < 1 << (8 * size - 2):
            return (value | mark << (8 * size - 2)).to_bytes(size, "big")
    raise ValueError(value)


def frame(draw):
    """A frame of a known type, or nearly; its fields are small, large or nonsense."""
    out = varint(draw.choice([*range(0x20), 0x30, 0x31, 0x42, 1 << 20]))
    for _ in range(draw.randrange(6)):
        out += varint(
            draw.choice([0, 1, 2, 3, 4, 5, 8, 63, 64, 1000, 1 << 14, 1 << 30, (1 << 60) + 1, (1 << 62) - 1])
        )
    return out + draw.randbytes(draw.randrange(40))


@pytest.mark.parametrize("seed", range(60))
def test_any_frames(seed):
    draw = random.Random(seed)
    client, server, listener, pipe = connected()
    kept = client.open(128)
    pipe.run(ms=50)
    for _ in range(40):
        payload = b"".join(frame(draw) for _ in range(draw.randrange(1, 5)))
        listener.receive(packet_of(client, payload[:1100]), CLIENT_ADDR, pipe.now)
        while listener.drain(pipe.now) is not None:
            pass
        pipe.now += 7
        listener.tick(pipe.now)
        while (stream := server.accept()) is not None:
            stream.recv_into(bytearray(100), 0, 100)
        assert len(server._streams) <= 64 and len(listener._routes) < 12
        if server.state == CLOSED:
            assert server.close_reason.isprintable() and 0 < len(server.close_reason) < 250
            assert not server.close_reason.startswith("QUIC failed"), server.close_reason
            break
    assert server.state in (READY, CLOSED) and kept is not None


def test_every_kind_of_frame_was_known():
    # The generator above is of use only if most of its frames get past the first check.
    draw, known = random.Random(1), 0
    for _ in range(100):
        known += frame(draw)[0] < 0x32
    assert known > 80


def test_a_stream_that_is_opened_far_ahead_opens_those_before_it_and_no_more():
    client, server, listener, pipe = connected()
    allowed = server._core._local_max_streams_bidi.value
    far = (allowed - 1) * 4  # the last of them
    listener.receive(packet_of(client, b"\x08" + varint(far) + b"\x80"), CLIENT_ADDR, pipe.now)
    assert len(server._core._streams) == allowed and server.state == READY
    assert server.accept().kind == 0x80
    listener.receive(packet_of(client, b"\x08" + varint(far + 4) + b"\x80"), CLIENT_ADDR, pipe.now)
    assert server.close_reason == "peer broke QUIC: Too many streams open (STREAM_LIMIT_ERROR)"


def test_stop_and_reset_of_streams_that_never_said_a_word():
    client, server, listener, pipe = connected()
    for n in range(64):
        listener.receive(packet_of(client, b"\x05" + varint(4 * n) + b"\x07"), CLIENT_ADDR, pipe.now)
        listener.receive(packet_of(client, b"\x04" + varint(4 * n) + b"\x07\x00"), CLIENT_ADDR, pipe.now)
        assert server.accept() is None and len(server._inbound) == 0
    assert server.state == READY


def test_a_stop_that_comes_after_everything_arrived_changes_nothing():
    client, server, listener, pipe = connected()
    stream = client.open(128)
    stream.finish()
    pipe.run(ms=100)
    end = server.accept()
    end._quic.receiver.is_finished = False  # a peer that stops reading what it has already read
    end._quic.receiver.stop(9)
    end.send(b"answer", 0, 6)
    pipe.run(ms=100)
    assert stream.state == 4 and stream.recv_into(bytearray(9), 0, 9) == 6


def test_an_aioquic_without_our_hooks_is_refused():
    class Other:
        pass

    class Ours(Other):
        def _write_stream_limits(self):
            pass

    with pytest.raises(LocalError, match="this aioquic has no Other._write_stream_limits"):
        quic_core.check_overrides(Ours, Other, ("_write_stream_limits",))
    quic_core.check_overrides(Ours, Ours, ("_write_stream_limits",))
