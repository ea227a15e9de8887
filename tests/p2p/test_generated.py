"""Generated values: what is written reads back, and any bytes or text are read or refused. CPython only."""

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.codec import base58, ip, varint
from jamliquor_lite.codec.protobuf import INT, Fields, field_bytes, field_int
from jamliquor_lite.errors import BudgetError, RemoteError, VerifyError
from jamliquor_lite.p2p import events, identify, keys, multiaddr, ping
from tests.fake_carrier import Pair
from tests.p2p import vectors
from tests.p2p.drive import Say, run, settle, streams

_hashes = st.binary(min_size=32, max_size=32).map(lambda digest: b"\x12\x20" + digest)
_ed25519 = st.binary(min_size=32, max_size=32).map(lambda key: keys.peer_id(keys.encode(keys.ED25519, key)))
_secp256k1 = st.binary(min_size=33, max_size=33).map(lambda key: keys.peer_id(keys.encode(keys.SECP256K1, key)))
_peers = _hashes | _ed25519 | _secp256k1
_names = st.lists(st.text("abcXYZ019-_", min_size=1, max_size=20), min_size=1, max_size=5).map(".".join)
_hosts = (
    st.ip_addresses(v=4).map(lambda a: f"/ip4/{a}") | st.ip_addresses(v=6).map(lambda a: f"/ip6/{a.exploded}")
    | st.tuples(st.sampled_from(["dns", "dns4", "dns6", "dnsaddr"]), _names).map(lambda t: f"/{t[0]}/{t[1]}")
)
_ports = st.integers(0, 65535)
_transports = (
    _ports.flatmap(lambda p: st.sampled_from([f"/tcp/{p}{rest}" for rest in ("", "/ws", "/wss", "/tls", "/tls/ws")]))
    | _ports.flatmap(lambda p: st.sampled_from([f"/udp/{p}{rest}" for rest in ("", "/quic-v1", "/webrtc-direct")]))
)
_ends = st.lists(_peers, max_size=2)


@st.composite
def addresses(draw):
    """(text, host's text, peer ids) of a well-formed multiaddr."""
    host, transport, peers = draw(_hosts), draw(_transports), draw(_ends)
    return host + transport + "/p2p-circuit".join(f"/p2p/{keys.peer_name(peer)}" for peer in peers), peers


@given(addresses())
def test_an_address_reads_back_from_its_text_and_its_bytes(given_address):
    text, peers = given_address
    address = multiaddr.parse(text)
    for again in (multiaddr.parse(address.text), multiaddr.decode(address.encode())):
        assert again == address and again.text == address.text and again.parts() == address.parts()
        for name in ("host", "port", "transport", "family", "is_ip", "peer_id", "relay_id", "is_circuit"):
            assert getattr(again, name) == getattr(address, name)
    assert address.peer_id == (peers[-1] if peers else b"")
    assert address.relay_id == (peers[0] if len(peers) == 2 else b"")


@given(addresses(), st.data())
def test_damaged_bytes_are_an_address_or_refused(given_address, draw):
    data = bytearray(multiaddr.parse(given_address[0]).encode())
    for _ in range(draw.draw(st.integers(1, 3))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    _decoded_or_refused(bytes(data[: draw.draw(st.integers(0, len(data)))]))


@given(st.binary(max_size=600))
def test_any_bytes_are_an_address_or_refused(data):
    _decoded_or_refused(data)


def _decoded_or_refused(data):
    try:
        address = multiaddr.decode(data)
    except VerifyError as error:
        assert error.rule in ("multiaddr", "peer_id")
        assert str(error).isprintable()
        return
    assert address.encode() == data
    assert multiaddr.parse(address.text) == address


@given(
    st.text(max_size=80) | st.text(alphabet=st.characters(codec=None), max_size=80)
    | st.lists(st.sampled_from(["ip4", "ip6", "tcp", "p2p", "ipfs", "dns", "certhash", "p2p-circuit", "udp", "ws", "",
                                "1.2.3.4", "::1", "7", "uEiA", "\ud800", "\n", "Qm1", "b", "x" * 60]), max_size=9)
    .map(lambda words: "/" + "/".join(words))
)  # fmt: skip
def test_any_text_is_an_address_or_refused(text):
    try:
        address = multiaddr.parse(text)
    except VerifyError as error:
        assert error.rule in ("multiaddr", "peer_id")
        return
    assert multiaddr.decode(address.encode()) == address


@given(_peers)
def test_peer_names_read_back(peer):
    assert keys.parse_peer_name(keys.peer_name(peer)) == peer


@given(st.text(max_size=100) | st.text(alphabet=base58.ALPHABET, max_size=60).map(lambda text: "Qm" + text))
def test_any_text_is_a_peer_name_or_refused(text):
    try:
        assert keys.parse_peer_name(text)
    except VerifyError as error:
        assert error.rule == "peer_id"


@given(st.binary(max_size=60) | st.binary(max_size=40).map(lambda data: b"\x08\x01\x12\x20" + data))
def test_any_bytes_are_a_key_or_refused(data):
    try:
        key_type, key = keys.decode(data)
    except VerifyError as error:
        assert error.rule == "identity"
        return
    assert keys.encode(key_type, key) == data
    keys.check_peer_id(keys.peer_id(data))


@given(st.binary(max_size=128))
def test_base58_reads_back(data):
    assert base58.decode(base58.encode(data)) == data


@given(st.text(max_size=200) | st.text(alphabet=base58.ALPHABET, max_size=176))
def test_base58_has_one_form(text):
    try:
        data = base58.decode(text)
    except VerifyError:
        return
    assert len(data) > 128 or base58.encode(data) == text


@given(st.ip_addresses(v=6) | st.binary(min_size=16, max_size=16).map(ipaddress.IPv6Address))
def test_ip6_as_the_library_writes_it(address):
    if address.ipv4_mapped is None:  # older Pythons write these in hexadecimal
        assert ip.format6(address.packed) == str(address)
    for text in (str(address), address.exploded, str(address).upper(), ip.format6(address.packed)):
        assert ip.parse6(text) == address.packed


@given(st.text(alphabet="0123456789abcF:.g", max_size=45))
def test_ip_texts_are_taken_as_the_library_takes_them(text):
    for parse, library in ((ip.parse4, ipaddress.IPv4Address), (ip.parse6, ipaddress.IPv6Address)):
        try:
            expected = library(text).packed
        except ValueError:
            expected = None
        try:
            assert parse(text) == expected
        except VerifyError:
            assert expected is None


@given(st.integers(0, 2**63 - 1))
def test_varints_read_back(number):
    data = varint.encode(number)
    assert varint.take(data, 0, len(data)) == (number, len(data))


@given(st.binary(max_size=12))
def test_both_varint_readers_agree(data):
    reader = varint.VarintReader()
    pushed = (-1, 0)
    try:
        for at, byte in enumerate(data):
            if reader.push(byte):
                pushed = (reader.value, at + 1)
                break
    except VerifyError:
        pushed = None
    try:
        taken = varint.take(data, 0, len(data))
    except VerifyError:
        assert pushed is None
        return
    assert pushed == taken
    assert taken[0] < 0 or varint.encode(taken[0]) == data[: taken[1]]


@given(st.lists(st.tuples(st.integers(1, 2**29 - 1), st.integers(0, 2**63 - 1) | st.binary(max_size=40)), max_size=8))
def test_protobuf_fields_read_back(rows):
    data = b"".join(field_int(n, v) if isinstance(v, int) else field_bytes(n, v) for n, v in rows)
    fields = Fields(data, 0, len(data))
    found = []
    while fields.next():
        found.append((fields.number, fields.value if fields.wire == INT else fields.take()))
    assert found == rows


@given(st.binary(max_size=60))
def test_any_bytes_are_protobuf_or_refused(data):
    fields = Fields(data, 0, len(data))
    try:
        while fields.next():
            assert fields.wire == INT or 0 <= fields.start <= fields.end <= len(data)
    except VerifyError as error:
        assert error.rule == "protobuf"


_small = {1: vectors.ED25519_KEY, 2: b"\x04\x7f\x00\x00\x01\x06\x0f\xa1", 3: b"/ipfs/ping/1.0.0", 6: b"agent"}
_messages = st.lists(
    st.sampled_from(sorted(_small)).map(lambda n: field_bytes(n, _small[n])) | st.binary(max_size=30), max_size=6
).map(b"".join)


@given(
    st.lists(_messages, max_size=12).map(lambda all_: b"".join(varint.encode(len(m)) + m for m in all_))
    | st.binary(max_size=300),
    st.integers(0, 50),
    st.booleans(),
)
def test_identify_is_whole_or_the_peer_s_fault(data, seed, fin):
    pair = Pair(seed=seed)
    here, there = streams(pair)
    receiver = identify.Receiver(Profile(), bytearray(256))
    receiver.begin(here, 1000, keys.peer_id(vectors.ED25519_KEY))
    say = Say(there, data, fin)
    try:
        settle(pair, receiver, say, now=1)
        receiver.poll(1000)
    except RemoteError as error:
        assert here.abandoned == error.code
    except BudgetError as error:
        assert error.limit == "identify_bytes" and here.abandoned >= 0
    assert not receiver.busy
    info = receiver.info
    assert len(info.listen_addrs) <= 16 and len(info.protocols) <= 64
    assert info.key in (b"", vectors.ED25519_KEY)
    assert all(text.isprintable() for text in (info.agent, info.protocol_version, *info.protocols))


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.integers(0, 50), st.booleans())
def test_a_ping_stream_echoes_whole_pings_only(pieces, seed, fin):
    pair = Pair(seed=seed, window=64)
    here, there = streams(pair)
    responder = ping.Responder(1000)
    responder.begin(there, 0)
    data = b"".join(pieces)
    say = Say(here, data, fin)
    whole = len(data) - len(data) % 32
    try:
        settle(pair, responder, say, now=1)
        assert not (fin and len(data) % 32)
    except RemoteError as error:
        assert error.code == events.TRUNCATED and fin and len(data) % 32
        return
    assert say.heard == data[:whole] and responder.pings == whole // 32
    assert responder.busy is not fin


@given(st.binary(max_size=70), st.integers(0, 50), st.booleans())
def test_a_pong_is_the_ping_or_the_peer_s_fault(answer, seed, fin):
    pair = Pair(seed=seed)
    here, there = streams(pair)
    question = bytes(range(32))
    pinger = ping.Pinger(here, 100)
    pinger.send(question, 0)
    say = Say(there, answer, fin)
    try:
        event = run(pair, pinger, (say,), 200, (events.PONG, events.DONE))
    except RemoteError as error:
        assert here.abandoned == error.code
        return
    assert event == events.PONG and answer.startswith(question)
