"""Handshakes: who is let in, what each side says when it is not, and how connections end."""

import pytest

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.errors import LocalError
from jamliquor_lite.transport import quic_core
from jamliquor_lite.transport.quic import CLOSED, CONNECTING, READY, Connection
from jamliquor_lite.transport.quic_core import Core
from jamliquor_lite.transport.quic_listener import Listener
from tests.transport.certificates import BAD, GOOD, NAME, OTHER_NAME, presenting
from tests.transport.pipe import GENESIS, SERVER_ADDR, Pipe, connected, identity, pair

START = 1_000_000


def meet(client, server_identity=None, limits=None):
    """Run a client against a listener until both know. Returns the reasons of both sides."""
    listener = Listener(server_identity or identity(2), GENESIS, limits or Profile())
    pipe = Pipe(client, listener)
    seen = []

    def done():
        seen[:] = listener.connections or seen
        return client.state != CONNECTING and all(c.state != CONNECTING for c in seen) and seen

    pipe.run(done, 30_000)
    pipe.run(ms=100)
    return client.close_reason, seen[0].close_reason if seen else None


def dial(who, **arguments):
    arguments.setdefault("limits", Profile())
    return Connection.dial(who, GENESIS, *SERVER_ADDR, now=START, **arguments)


def speaking(protocols, is_client=True, who=None):
    """A client that offers these protocols."""
    core = Core(quic_core.configuration(who or identity(1), protocols, Profile(), is_client), Profile())
    core.connect(SERVER_ADDR, START / 1000)
    return Connection(core, SERVER_ADDR, protocols[0], Profile(), True, START)


@pytest.mark.parametrize("loss, reorder", [(0, 0), (0.1, 0), (0, 0.3), (0.25, 0.25)])
def test_both_know_each_other(loss, reorder):
    for seed in range(4):
        client, server, _, _ = connected(loss=loss, reorder=reorder, seed=seed)
        assert (client.peer_name, client.peer_key) == (identity(2).name, identity(2).public)
        assert (server.peer_name, server.peer_key) == (identity(1).name, identity(1).public)
        assert client.alpn == server.alpn == "jamnp-s/0/2bf11dc5"


def test_expected_peer_is_met():
    assert connected(expect_name=identity(2).name)[0].state == READY


def test_another_peer_than_expected():
    client, server = meet(dial(identity(1), expect_name=OTHER_NAME))
    assert "is %s's; expected %s" % (identity(2).name, OTHER_NAME) in client
    assert "TLS alert 42 bad_certificate" in server


@pytest.mark.parametrize("certificate", [c for _, c in GOOD], ids=[what for what, _ in GOOD])
def test_good_certificates_both_ways(certificate):
    client = dial(presenting(certificate), expect_name=identity(2).name)
    assert meet(client) == ("", "") and client.state == READY
    client = dial(identity(1), expect_name=NAME)
    assert meet(client, presenting(certificate)) == ("", "") and client.peer_name == NAME


@pytest.mark.parametrize("certificate, key, words", [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_bad_client_certificate(certificate, key, words):
    client = dial(presenting(certificate, key))
    of_client, of_server = meet(client)
    assert words in of_server and of_server.startswith("handshake refused: the certificate")
    assert words in of_client and "TLS alert 42 bad_certificate" in of_client
    assert client.state == CLOSED and client.peer_key == b"", "a client is READY only when it was let in"


@pytest.mark.parametrize("certificate, key, words", [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_bad_server_certificate(certificate, key, words):
    client = dial(identity(1))
    of_client, of_server = meet(client, presenting(certificate, key))
    assert of_client.startswith("handshake refused: the certificate") and words in of_client
    assert client.state == CLOSED and client.peer_name == ""


def test_no_client_certificate():
    client, server = meet(dial(presenting(None)))
    assert client == "peer demands a certificate and got none: no certificate"
    assert server == "handshake refused: no certificate"


def test_certificate_of_somebody_else():
    # The name and key of another, who did not sign this handshake.
    thief = presenting(GOOD[0][1], identity(5).private_key)
    client, server = meet(dial(thief))
    assert "decrypt_error" in client and "decrypt_error" in server
    client, _ = meet(dial(identity(1)), thief)
    assert "decrypt_error" in client


def test_wrong_genesis():
    client, listener, pipe = pair(genesis=b"\0" * 32)
    pipe.run(lambda: client.state == CLOSED)
    assert client.close_reason == (
        "peer does not speak jamnp-s/0/00000000 (other genesis?): "
        "another chain: jamnp-s/0/00000000 offered, jamnp-s/0/2bf11dc5 served"
    )


def test_wrong_protocol():
    client, server = meet(speaking(["h3", "h3-29"]))
    assert (
        client
        == "peer does not speak h3 (other genesis?): not JAMNP-S: h3, h3-29 offered, jamnp-s/0/2bf11dc5 served"
    )
    assert server == "handshake refused: not JAMNP-S: h3, h3-29 offered, jamnp-s/0/2bf11dc5 served"


def test_endless_protocol_names_stay_one_short_line():
    client, server = meet(speaking(["x" * 200, "y\n" * 100]))
    assert len(server) < 200 and server.isprintable() and client.isprintable()


def test_server_that_picks_another_protocol():
    client = dial(identity(1))
    listener = Listener(identity(2), GENESIS, Profile())
    listener._configuration.alpn_protocols = ["jamnp-s/0/2bf11dc5"]
    original = quic_core.tls.push_encrypted_extensions

    def lie(buf, extensions):
        extensions.alpn_protocol = "h3"
        original(buf, extensions)

    quic_core.tls.push_encrypted_extensions = lie
    try:
        Pipe(client, listener).run(lambda: client.state == CLOSED)
    finally:
        quic_core.tls.push_encrypted_extensions = original
    assert (
        client.close_reason
        == "handshake refused: server answered with another protocol than jamnp-s/0/2bf11dc5"
    )


def test_builder_is_permitted():
    client = speaking(["jamnp-s/0/2bf11dc5/builder"])
    assert meet(client) == ("", "")
    assert client.alpn == "jamnp-s/0/2bf11dc5/builder"


def test_nobody_there():
    client, _, pipe = pair()
    pipe.cut = True
    pipe.run(lambda: client.state == CLOSED)
    assert client.close_reason == "no answer within 5000 ms" and pipe.now == START + 5000
    pipe.run()
    assert client.is_gone


def test_peer_that_stops_in_the_middle_of_the_handshake():
    client, listener, pipe = pair()
    assert pipe.run(lambda: client._core.begun)
    pipe.cut = True
    pipe.run(lambda: client.state == CLOSED and not listener.connections)
    assert client.close_reason == "handshake not finished within 5000 ms"


@pytest.mark.parametrize("datagrams", range(1, 12))
def test_server_that_closes_after_any_datagram(datagrams):
    client, listener, pipe = pair()
    seen = []
    original = listener.receive

    def receive(datagram, addr, now):
        original(datagram, addr, now)
        seen.append(1)
        if len(seen) == datagrams:
            listener.close(42, "nothing personal")

    listener.receive = receive
    stream = None
    while client.state != CLOSED and pipe.step():
        if stream is None and (stream := client.open(128)) is not None:
            pass
        elif stream is not None and pipe.now < START + 3000:
            stream.send(b"x" * 1200, 0, 1200)
    if len(seen) < datagrams:
        pytest.skip("the talk is shorter")
    # Before the handshake is over QUIC forbids to say more than that (RFC 9000, section 10.2.3).
    assert client.close_reason in (
        "peer closed the connection with code 42: nothing personal",
        "peer closed the connection, APPLICATION_ERROR",
    )
    assert stream is None or stream.state & 16


def test_server_that_closes_at_once_after_ready():
    client, server, listener, pipe = connected()
    server.close(0, "AltName mismatch")
    pipe.run(lambda: client.state == CLOSED)
    assert (client.close_code, client.close_reason) == (
        0,
        "peer closed the connection with code 0: AltName mismatch, right after the handshake",
    )
    client, server, listener, pipe = connected()
    server.close(9)
    pipe.run(lambda: client.state == CLOSED)
    assert client.close_reason == (
        "peer closed the connection with code 9, no reason given, right after the handshake"
    )


def test_close_reason_of_a_peer_is_one_clean_line():
    client, server, _, pipe = connected()
    server.close(1, "\x1b[2J\nroot# " + "\u2028" * 50 + "z" * 400)
    pipe.run(lambda: client.state == CLOSED)
    assert (
        client.close_reason.isprintable() and client.close_reason.isascii() and len(client.close_reason) < 250
    )


def test_close_is_told_again_to_a_peer_that_did_not_hear():
    client, server, _, pipe = connected()
    pipe.run(ms=1000)
    server.close(3, "bye")
    pipe.cut = True
    assert server.drain(pipe.now) is not None
    pipe.cut = False
    stream = client.open(128)
    stream.send(b"still there?", 0, 12)
    pipe.run(lambda: client.state == CLOSED, 200)
    assert client.close_reason == "peer closed the connection with code 3: bye"


def test_farewells_are_few():
    client, server, _, pipe = connected()
    pipe.run(ms=1000)
    server.close(3, "bye")
    sent = 0
    while server.drain(pipe.now):
        sent += 1
    for _ in range(20):
        server.receive(b"\x40" + bytes(30), ("10.0.0.1", 1001), pipe.now)
        while server.drain(pipe.now):
            sent += 1
    assert sent == 1 + 3


def test_closed_is_closed():
    client, server, _, pipe = connected()
    stream = client.open(128)
    client.close(0, "done")
    client.close(5, "again")
    assert (client.close_code, client.close_reason) == (0, "done")
    assert stream.state & 16 and client.open(128) is None and client.accept() is None
    assert stream.send(b"x", 0, 1) == 0
    stream.finish()
    stream.reset(1)
    stream.credit(5)
    pipe.run()
    assert client.is_gone and client.wake_at(pipe.now) == -1 and client.drain(pipe.now) is None
    client.tick(pipe.now)


def test_close_before_the_handshake():
    client, listener, pipe = pair()
    client.close(1, "changed my mind")
    assert client.open(128) is None and client.close_reason == "changed my mind"
    pipe.run(ms=10_000)
    assert client.is_gone and not listener.connections


def test_keepalive_keeps_an_idle_connection():
    client, server, _, pipe = connected()
    before = sum(pipe.bytes.values())
    end = pipe.now + 20 * 60_000
    pipe.run(lambda: pipe.now >= end, 21 * 60_000)
    assert client.state == server.state == READY
    # Two pings and two answers a minute, of some 40 bytes each.
    assert (sum(pipe.bytes.values()) - before) / 20 < 1000


def test_dead_peer_times_out_in_spite_of_keepalive():
    client, server, listener, pipe = connected()
    pipe.cut, at = True, pipe.now
    pipe.run(lambda: client.state == CLOSED and server.state == CLOSED, 200_000)
    assert client.close_reason == server.close_reason == "nothing heard from the peer for 30000 ms"
    assert pipe.now - at <= 15_000 + 30_000 + 1000, "half the idle timeout to the ping, then the idle timeout"
    assert not listener.connections


def test_peer_without_an_idle_timeout():
    listener = Listener(identity(2), GENESIS, Profile())
    # A server that announces 0, "no timeout", while its own stays: aioquic would drop it after three round trips.
    original = quic_core.Core._serialize_transport_parameters

    def none(core):
        kept = core._configuration.idle_timeout
        core._configuration.idle_timeout = 0
        try:
            return original(core)
        finally:
            core._configuration.idle_timeout = kept

    client = dial(identity(1))
    quic_core.Core._serialize_transport_parameters = none
    try:
        pipe = Pipe(client, listener)
        assert pipe.run(lambda: client.state == READY)
    finally:
        quic_core.Core._serialize_transport_parameters = original
    assert client._core.idle_timeout_s == 30


def test_impossible_addresses():
    for host, port, words in (
        ("example.org", 1, "not an IP"),
        ("1.2.3", 1, "not an IP"),
        ("::1", 0, "UDP port"),
    ):
        with pytest.raises(LocalError, match=words) as caught:
            Connection.dial(identity(1), GENESIS, host, port, limits=Profile(), now=0)
        assert caught.value.exit_code == 2
    assert Connection.dial(identity(1), GENESIS, "0:0::1", 5, limits=Profile(), now=0).addr == ("::1", 5)


def test_a_fault_of_the_library_closes_the_connection_only():
    client, server, _, pipe = connected()

    def fail(*_):
        raise IndexError("pop from empty list\nand more")

    client._core.receive_datagram = fail
    stream = server.open(0)
    stream.send(b"x", 0, 1)
    pipe.run(lambda: client.state == CLOSED)
    assert (
        client.close_reason == "QUIC failed on the peer's datagram: IndexError pop from empty list?and more"
    )
    assert client.is_gone and client.drain(pipe.now) is None


def test_timers_are_due_when_wake_at_says():
    client, server, _, pipe = connected()
    stream = client.open(128)
    for _ in range(200):
        stream.send(b"y" * 3000, 0, 3000)
        while client.drain(pipe.now):  # lost, all of it
            pass
        at = client.wake_at(pipe.now)
        if at < 0 or client.state == CLOSED:
            break
        assert at > pipe.now, "a timer that is due and does nothing would spin the node"
        pipe.now = at
        client.tick(at)
    assert client.state == CLOSED


def test_handshake_message_without_end_is_cut_off():
    client, listener, pipe = pair()
    core = client._core
    epoch = quic_core.tls.Epoch.HANDSHAKE
    original = core._push_crypto_data

    def endless():
        # In place of the client's certificate, the beginning of one that claims a megabyte.
        if core.tls.state == quic_core.tls.State.CLIENT_POST_HANDSHAKE:
            core._crypto_buffers[epoch].seek(0)
            core._crypto_streams[epoch].sender.write(b"\x0b\x10\x00\x00" + bytes(100_000))
        original()

    core._push_crypto_data = endless
    most = 0

    def server_closed():
        nonlocal most
        for server in listener.connections:
            receiver = server._core._crypto_streams[epoch].receiver
            most = max(most, len(receiver._buffer) + len(server._core.tls._receive_buffer))
        return bool(listener.connections) and listener.connections[0].state == CLOSED

    assert pipe.run(server_closed, 4000)
    reason = listener.connections[0].close_reason
    assert reason == "peer broke QUIC: handshake message too long (CRYPTO_BUFFER_EXCEEDED)"
    assert 8 * 1024 < most <= 16 * 1024


def test_loading_costs_no_more_than_it_must():
    import subprocess
    import sys

    code = (
        "import sys; import jamliquor_lite.transport.quic_listener\n"
        "absent = 'certifi', 'OpenSSL', 'service_identity', 'cryptography.x509', 'aioquic.asyncio'\n"
        "bad = [m for m in absent if m in sys.modules]\n"
        "import certifi, OpenSSL.crypto, service_identity, cryptography\n"
        "from cryptography import x509\n"
        "print(bad, certifi.where() != '', x509 is cryptography.x509, x509.__file__ != '')"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=180)
    assert out.stdout.strip() == "[] True True True", out.stderr
