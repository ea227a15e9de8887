# portable: runs on CPython and MicroPython
"""Multiaddrs: known bytes, what each part means, circuits, and what is wrong with the wrong ones."""

from jamliquor_lite.errors import VerifyError
from jamliquor_lite.p2p import keys, multiaddr
from tests.p2p import vectors
from tests.support import raises, unhex

PEER = vectors.ED25519_NAME
PEER_ID = keys.parse_peer_name(PEER)
OTHER = vectors.SHA256_NAME
OTHER_ID = keys.parse_peer_name(OTHER)
CERTHASH = "uEi" + "A" * 44  # sha2-256 (0x12), 32 bytes, all zero

# text and bytes, by the codes of multiformats/multiaddr protocols.csv
KNOWN = (
    ("/ip4/127.0.0.1/tcp/4001", "047f000001060fa1"),
    ("/ip4/127.0.0.1/udp/1234/quic-v1", "047f000001910204d2cd03"),
    ("/ip6/::1/tcp/0", "29" + "00" * 15 + "01060000"),
    ("/dns/a.b/tcp/1/ws", "3503612e62060001dd03"),
    ("/dns4/x/tcp/443/wss", "3601780601bbde03"),
    ("/dns6/x/tcp/443/tls/ws", "3701780601bbc003dd03"),
    ("/dnsaddr/x", "380178"),
    ("/ip4/1.2.3.4", "0401020304"),
    ("/p2p-circuit", "a202"),
    ("/ip4/1.2.3.4/udp/9/webrtc-direct/certhash/" + CERTHASH, "0401020304910200099802d203221220" + "00" * 32),
)


def test_text_and_bytes():
    for text, data in KNOWN:
        address = multiaddr.parse(text)
        assert address.encode() == unhex(data), text
        assert address.text == text
        assert multiaddr.decode(memoryview(unhex(data))) == address
        assert hash(multiaddr.decode(unhex(data))) == hash(address)


def test_a_peer_is_written_in_base_58():
    data = unhex("047f000001060fa1a503 26") + PEER_ID
    for word in ("p2p", "ipfs"):
        address = multiaddr.parse("/ip4/127.0.0.1/tcp/4001/" + word + "/" + PEER)
        assert address.encode() == data and address.peer_id == PEER_ID
        assert address.text == "/ip4/127.0.0.1/tcp/4001/p2p/" + PEER
    assert multiaddr.parse("/p2p/" + vectors.CID_NAME).text == "/p2p/" + OTHER


def test_what_the_parts_mean():
    for text, host, port, transport, family, is_ip in (
        ("/ip4/192.0.2.7/tcp/4001", "192.0.2.7", 4001, "tcp", 4, True),
        ("/ip6/2001:DB8:0::1/tcp/65535", "2001:db8::1", 65535, "tcp", 6, True),
        ("/dns/example.org/tcp/443/tls", "example.org", 443, "tls", 0, False),
        ("/dns4/example.org./tcp/443/tls/ws", "example.org.", 443, "wss", 4, False),
        ("/dns6/a-b.c_d/tcp/443/wss", "a-b.c_d", 443, "wss", 6, False),
        ("/ip4/1.2.3.4/tcp/80/ws", "1.2.3.4", 80, "ws", 4, True),
        ("/ip4/1.2.3.4/udp/80", "1.2.3.4", 80, "udp", 4, True),
        ("/ip4/1.2.3.4/udp/80/quic-v1", "1.2.3.4", 80, "quic-v1", 4, True),
        ("/ip4/1.2.3.4/udp/80/webrtc-direct", "1.2.3.4", 80, "webrtc-direct", 4, True),
        ("/dnsaddr/example.org/p2p/" + PEER, "example.org", 0, "", 0, False),
        ("/p2p/" + PEER, "", 0, "", 0, False),
    ):
        address = multiaddr.parse(text)
        found = (address.host, address.port, address.transport, address.family, address.is_ip)
        assert found == (host, port, transport, family, is_ip), text
        assert not address.is_circuit and address.relay_id == b""


def test_parts():
    address = multiaddr.parse("/ip4/10.0.0.1/udp/4001/quic-v1/p2p/" + PEER + "/p2p-circuit")
    assert address.parts() == [
        ("ip4", "10.0.0.1"), ("udp", "4001"), ("quic-v1", ""), ("p2p", PEER), ("p2p-circuit", ""),
    ]  # fmt: skip
    assert address.parts() == multiaddr.decode(address.encode()).parts()
    assert repr(multiaddr.parse("/ip4/1.2.3.4/tcp/0")) == "Multiaddr(/ip4/1.2.3.4/tcp/0)"


def test_circuits():
    relay = multiaddr.parse("/dns4/relay.example/tcp/1/p2p/" + OTHER)
    there = relay.circuit(PEER_ID)
    assert there.text == "/dns4/relay.example/tcp/1/p2p/" + OTHER + "/p2p-circuit/p2p/" + PEER
    assert there == multiaddr.parse(there.text)
    assert (there.peer_id, there.relay_id, there.is_circuit) == (PEER_ID, OTHER_ID, True)
    assert (there.host, there.port, there.transport) == ("relay.example", 1, "tcp")
    listening = relay.circuit()
    assert listening.is_circuit and listening.peer_id == b"" and listening.relay_id == OTHER_ID
    assert listening.with_peer(PEER_ID) == there
    observed = multiaddr.parse("/p2p/" + OTHER + "/p2p-circuit")  # libp2p/specs, identify, "observedAddr"
    assert observed.relay_id == OTHER_ID and observed.host == ""
    unnamed = multiaddr.parse("/ip4/1.2.3.4/tcp/1/p2p-circuit/p2p/" + PEER)
    assert unnamed.relay_id == b"" and unnamed.peer_id == PEER_ID
    raises(VerifyError, there.circuit, OTHER_ID)


def test_a_peer_is_added_once():
    address = multiaddr.parse("/ip4/1.2.3.4/tcp/1")
    assert address.with_peer(PEER_ID).peer_id == PEER_ID and address.peer_id == b""
    assert "cannot stand behind /p2p" in str(raises(VerifyError, address.with_peer(PEER_ID).with_peer, PEER_ID))
    assert raises(VerifyError, address.with_peer, b"\x12\x20").rule == "peer_id"


def test_addresses_of_sockets():
    for host, text in (
        ("192.0.2.7", "/ip4/192.0.2.7/tcp/258"),
        ("2001:db8::1", "/ip6/2001:db8::1/tcp/258"),
        ("::ffff:192.0.2.7", "/ip4/192.0.2.7/tcp/258"),
        ("fe80::1%eth0", "/ip6/fe80::1/tcp/258"),
    ):
        assert multiaddr.tcp(host, 258).text == text
    assert multiaddr.tcp("192.0.2.7", 1, PEER_ID).text == "/ip4/192.0.2.7/tcp/1/p2p/" + PEER
    raises(VerifyError, multiaddr.tcp, "example.org", 1)


def test_addresses_of_serial_lines():
    for device, text in (
        ("ttyS1", "/serial/ttyS1"),
        ("ttyUSB0@115200", "/serial/ttyUSB0@115200"),
        ("/dev/serial/by-id/usb-1", "/serial/%2Fdev%2Fserial%2Fby-id%2Fusb-1"),
        ("socket://127.0.0.1:4444", "/serial/socket:%2F%2F127.0.0.1:4444"),
        ("50%2F", "/serial/50%252F"),
    ):
        address = multiaddr.serial(device)
        assert address.text == text and address.host == device and address.transport == "serial"
        assert not address.is_ip and address.port == address.family == 0
        with_peer = multiaddr.parse(text + "/p2p/" + PEER)
        assert with_peer.host == device and with_peer.peer_id == PEER_ID
        assert multiaddr.decode(with_peer.encode()) == with_peer
    assert multiaddr.serial("a").encode() == b"\x90\x80\xc0\x01\x01a"
    for device in ("", "a b", "tty\n", "t\xfct", "x" * 129):
        assert raises(VerifyError, multiaddr.serial, device).rule == "multiaddr"
    error = raises(VerifyError, multiaddr.parse, "/serial/ttyS1/tcp/1")
    assert "part 2 (/tcp): it cannot stand behind /serial" in str(error)


def test_ports_to_dial():
    assert multiaddr.parse("/ip4/1.2.3.4/tcp/0").port == 0
    assert multiaddr.parse("/ip4/1.2.3.4/tcp/1", 1).port == 1
    error = raises(VerifyError, multiaddr.parse, "/ip4/1.2.3.4/tcp/0", 1)
    assert "part 2 (/tcp): port `0` must be 1 to 65535" in str(error)


def test_wrong_texts_say_what_and_where():
    for text, complaint in (
        ("", "part 1: it is missing"),
        ("ip4/1.2.3.4", "begins with `/`"),
        ("/", "part 1: `` is no protocol"),
        ("/ip4", "part 1 (/ip4): it needs a value"),
        ("/ip4/", "part 1 (/ip4): it needs a value"),
        ("/ip4/1.2.3/tcp/1", "part 1 (/ip4): `1.2.3` is no IPv4 address"),
        ("/ip6/1.2.3.4/tcp/1", "part 1 (/ip6): `1.2.3.4` is no IPv6 address"),
        ("/ip6/fe80::1%eth0/tcp/1", "is no IPv6 address"),
        ("/ip4/1.2.3.4/tcp", "part 2 (/tcp): it needs a value"),
        ("/ip4/1.2.3.4/tcp/65536", "part 2 (/tcp): port `65536` must be 0 to 65535"),
        ("/ip4/1.2.3.4/tcp/000000", "must be 0 to 65535"),
        ("/ip4/1.2.3.4/tcp/+1", "must be 0 to 65535"),
        ("/ip4/1.2.3.4/tcp/-1", "must be 0 to 65535"),
        ("/ip4/1.2.3.4/tcp/١", "port `?` must be 0 to 65535"),
        ("/ip4/1.2.3.4/tcp/1/", "part 3: `` is no protocol"),
        ("/ip4/1.2.3.4/sctp/1", "part 2: `sctp` is no protocol"),
        ("/IP4/1.2.3.4", "part 1: `IP4` is no protocol"),
        ("/tcp/1", "begins with /ip4, /ip6"),
        ("/quic-v1", "begins with /ip4, /ip6"),
        ("/ip4/1.2.3.4/quic-v1", "part 2 (/quic-v1): it cannot stand behind /ip4"),
        ("/ip4/1.2.3.4/tcp/1/tcp/2", "part 3 (/tcp): it cannot stand behind /tcp"),
        ("/ip4/1.2.3.4/tcp/1/quic-v1", "part 3 (/quic-v1): it cannot stand behind /tcp"),
        ("/ip4/1.2.3.4/ip4/1.2.3.4", "part 2 (/ip4): it cannot stand behind /ip4"),
        ("/p2p-circuit/p2p-circuit", "part 2 (/p2p-circuit): it cannot stand behind"),
        ("/p2p/" + PEER + "/p2p-circuit/p2p/" + OTHER + "/p2p-circuit", "part 4 (/p2p-circuit): it cannot stand"),
        ("/dns/-.-..x/tcp/1", "part 1 (/dns): `-.-..x` is no host name"),
        ("/dns/./tcp/1", "no host name"),
        ("/dns/" + "a" * 64, "no host name"),
        ("/dns/" + "a." * 127, "no host name"),
        ("/dns/a b", "no host name"),
        ("/dns/grün.example", "no host name"),
        ("/dns/\u212aelvin", "no host name"),
        ("/ip4/1.2.3.4/udp/1/webrtc-direct/certhash/zEi", "no base64url"),
        ("/ip4/1.2.3.4/udp/1/webrtc-direct/certhash/u", "no base64url"),
        ("/ip4/1.2.3.4/udp/1/webrtc-direct/certhash/uEi=", "no base64url"),
        ("/ip4/1.2.3.4/udp/1/webrtc-direct/certhash/uEj", "no base64url"),  # bits beyond the last byte
        ("/ip4/1.2.3.4/udp/1/webrtc-direct/certhash/uE", "no base64url"),
        ("/ip4/1.2.3.4/udp/1/webrtc-direct/certhash/uEiA", "no multihash"),
        ("/dns/" + "a" * 600, "605 characters, at most 512"),
    ):
        error = raises(VerifyError, multiaddr.parse, text)
        assert error.rule == "multiaddr" and complaint in str(error), (text, str(error))


def test_a_wrong_peer_id_has_a_rule_of_its_own():
    for name, complaint in (
        ("QmBootnode1", "part 3 (/p2p): `QmBootnode1`: no peer id"),
        (PEER[:-1] + "0", "is not base 58"),
        ("x" * 100, "x" * 64 + "..."),
    ):
        error = raises(VerifyError, multiaddr.parse, "/ip4/1.2.3.4/tcp/1/p2p/" + name)
        assert error.rule == "peer_id" and complaint in str(error)
    error = raises(VerifyError, multiaddr.parse, "/ip4/1.2.3.4/tcp/1/p2p/QmBootnode1/tcp/70000")
    assert error.rule == "multiaddr", "a fault of the rest comes first"
    error = raises(VerifyError, multiaddr.parse, "/ip4/1.2.3.4/tcp/1/p2p/QmBootnode1/ws")
    assert error.rule == "multiaddr"


def test_wrong_bytes_say_what_and_where():
    for data, complaint in (
        ("", "part 1: it is missing"),
        ("a5", "part 1: it ends inside a number"),
        ("8400", "part 1: the number at byte 0 is encoded longer than needed"),
        ("04010203", "part 1 (/ip4): it needs 4 bytes, 3 are left"),
        ("04010203040600", "part 2 (/tcp): it needs 2 bytes, 1 are left"),
        ("060001", "begins with /ip4"),
        ("0401020304040102 0304", "part 2 (/ip4): it cannot stand behind /ip4"),
        ("0401020304 06 0001 8c02", "part 3: protocol code 268 is not known"),
        ("35", "part 1: it is missing"),
        ("3505 6161", "part 1 (/dns): it needs 5 bytes, 2 are left"),
        ("35ffffffffffffffff7f 61", "part 1 (/dns): it needs 9223372036854775807 bytes"),
        ("3500", "part 1 (/dns): `` is no host name"),
        ("3501ff", "part 1 (/dns): a host name that is not text"),
        ("35012f", "part 1 (/dns): `/` is no host name"),
        ("3502610a", "part 1 (/dns): `a?` is no host name"),
        ("0401020304 9102 0009 9802 d203 02 1200", "part 4 (/certhash): it is no multihash"),
        ("0401020304 9102 0009 9802 d203 00", "part 4"),
    ):
        error = raises(VerifyError, multiaddr.decode, unhex(data))
        assert error.rule == "multiaddr" and complaint in str(error), (data, str(error))
    assert raises(VerifyError, multiaddr.decode, unhex("a503 02 1220")).rule == "peer_id"


def test_size_is_bounded_both_ways():
    raises(VerifyError, multiaddr.decode, b"\x00" * 513)
    # 466 bytes here, and more than 512 characters.
    certhash = unhex("d203 22 1220") + bytes(32)
    data = unhex("0401020304910200099802") + certhash * 12
    assert len(data) <= multiaddr.MAX_SIZE
    assert "characters, at most 512" in str(raises(VerifyError, multiaddr.decode, data))
