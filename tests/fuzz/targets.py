"""What is fuzzed: one function for each parser, and one for two connections that talk. `TARGETS` has them by name.

A target takes any bytes. It raises what no peer may bring about: any error but those that the parser defines, a bound
that does not hold, two readings of the same bytes that differ. fuzz.py feeds them.
"""

from jamliquor_lite.budget.pool import Pool
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.codec import serial_frame, varint
from jamliquor_lite.codec.protobuf import Fields
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.console.output import LEAST_BYTES
from jamliquor_lite.errors import BudgetError, RemoteError, VerifyError
from jamliquor_lite.gateway.extrinsic import Measured
from jamliquor_lite.jam import events as jam_events
from jamliquor_lite.jam.block_body import Skipper
from jamliquor_lite.jam.framing import MessageReader
from jamliquor_lite.jam.header_announcement import OURS, THEIRS, HeaderAnnouncement
from jamliquor_lite.jam.header_request import ASCENDING, DESCENDING, HeaderRequest, HeaderResponder
from jamliquor_lite.jam.relayed_request import MAX_HOPS, Preamble
from jamliquor_lite.p2p import events, identify, keys, multiaddr
from jamliquor_lite.transport import multistream, noise_payload
from jamliquor_lite.transport.noise import DONE, HYBRID, MAX_HANDSHAKE, PLAIN
from jamliquor_lite.transport.serial_link import SerialLink
from jamliquor_lite.transport.terms import OFF, PREFER
from jamliquor_lite.transport.yamux import STREAM, Session
from tests.console.fakes import Bench
from tests.fake_carrier import Pair
from tests.transport.connection_script import OPS, Script
from tests.transport.noise_pairs import ALICE, BOB, side, take, up_to, written
from tests.transport.yamux_pair import profile

PEER = BOB.identity.peer_id


class Cut:
    """Reads decisions off the front of the data; 0 when there is no more."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def u8(self):
        self.at += 1
        return self.data[self.at - 1] if self.at <= len(self.data) else 0

    def rest(self):
        return self.data[self.at :]


def fuzz_varint(data):
    reader = varint.VarintReader()
    found, error = -1, ""
    try:
        for at in range(len(data)):
            if reader.push(data[at]):
                found = at + 1
                break
    except VerifyError as caught:
        error = str(caught)
    try:
        value, after = varint.take(data, 0, len(data))
    except VerifyError:
        assert error, "one takes what the other refuses"
        return
    assert not error, error
    if found < 0:
        assert (value, after) == (-1, 0) and len(data) < 9
        return
    assert (value, after) == (reader.value, found) and 0 <= value < 1 << 63
    assert varint.encode(value) == data[:after] and varint.size(value) == after


def fuzz_protobuf(data):
    fields = Fields(data, 0, len(data))
    before = 0
    try:
        while fields.next():
            assert fields.number > 0
            if fields.wire == 2:
                assert before <= fields.start <= fields.end <= len(data)
                assert fields.take() == data[fields.start : fields.end]
                before = fields.end
                if data[fields.start : fields.end].isascii():
                    assert fields.text().encode() == data[fields.start : fields.end]
    except VerifyError as error:
        assert error.rule == "protobuf"


def fuzz_multiaddr(data):
    cut = Cut(data)
    try:
        if cut.u8() % 2:
            text = cut.rest().decode("utf-8", "replace")
            address = multiaddr.parse(text)
        else:
            address = multiaddr.decode(cut.rest())
            assert address.encode() == cut.rest()
    except VerifyError as error:
        assert error.rule in ("multiaddr", "peer_id"), error.rule
        assert len(str(error)) < 400
        return
    again = multiaddr.decode(address.encode())
    assert again == address and again.text == address.text and multiaddr.parse(address.text) == address
    for face in (address.host, address.port, address.transport, address.peer_id, address.is_circuit, address.is_ip):
        assert face is not None
    assert address.parts() or not address.text.strip("/")


def fuzz_keys(data):
    cut = Cut(data)
    try:
        if cut.u8() % 2:
            text = cut.rest().decode("utf-8", "replace")
            peer = keys.parse_peer_name(text)
        else:
            key_type, body = keys.decode(cut.rest())
            assert keys.decode(keys.encode(key_type, body)) == (key_type, body)
            peer = keys.peer_id(cut.rest())
            BOB.identity.ed25519_of(cut.rest())
    except VerifyError as error:
        assert len(str(error)) < 400
        return
    assert keys.parse_peer_name(keys.peer_name(peer)) == peer


def fuzz_identity(data):
    """A key and a signature of any kind."""
    cut = Cut(data)
    size = cut.u8()
    key, signature = cut.rest()[:size], cut.rest()[size : size + 80]
    try:
        peer = BOB.identity.verify_peer(key, signature, b"message")
    except VerifyError as error:
        assert error.rule == "identity" and len(str(error)) < 400
        return
    assert peer == keys.peer_id(key)


def arriving(data, kind=5):
    """A stream of a fake carrier on which these bytes come, and what carries them."""
    pair = Pair(window=1 << 20)
    far = pair.a.open(kind)
    near = pair.b.accept()
    return pair, far, near, data


def run_core(core, pair, far, data, sizes):
    """Let the data come in pieces of these sizes, polling in between; the events that came."""
    found = []
    at = turn = 0
    while True:
        if at < len(data):
            size = 1 + sizes[turn % len(sizes)] if sizes else len(data)
            turn += 1
            sent = far.send(data, at, min(len(data), at + size))
            at += sent
            if at == len(data):
                far.finish()
        pair.pump()
        event = core.poll(turn)
        found.append(event)
        if event in (jam_events.DONE, jam_events.REFUSED, jam_events.LOST):
            return found
        if event == jam_events.NOTHING and at == len(data):
            return found
        assert len(found) < 8 * len(data) + 1000, "it never ends"


def fuzz_identify(data):
    cut = Cut(data)
    sizes = [cut.u8(), cut.u8()]
    limits = Profile()
    limits.identify_bytes, limits.identify_addrs, limits.identify_protocols = 2048, 3, 3
    core = identify.Receiver(limits, bytearray(limits.identify_bytes))
    pair, far, near, data = arriving(cut.rest())
    core.begin(near, 1 << 30, PEER)
    try:
        run_core(core, pair, far, data, sizes)
    except RemoteError as error:
        assert error.code and str(error).startswith("identify: ")
    except BudgetError as error:
        assert error.limit == "identify_bytes"
    info = core.info
    assert len(info.listen_addrs) <= 3 and len(info.protocols) <= 3 and info.key in (b"", BOB.identity.key)
    assert len(info.agent) <= 128 and all(" " <= char <= "~" for char in info.agent + info.protocol_version)
    assert identify.encode(info)


def fuzz_multistream(data):
    cut = Cut(data)
    choice, sizes = cut.u8(), [1 + cut.u8(), 1 + cut.u8()]
    if choice % 2:
        talk = multistream.Dialer(["/noise", "/other/1"][: 1 + choice // 2 % 2])
    else:
        talk = multistream.Listener(lambda name: name in ("/noise", "/other/1"), 1 + choice // 2 % 4)
    data, at, turn, said = cut.rest(), 0, 0, 0
    out = bytearray(4096)
    try:
        while at < len(data) and talk.state == multistream.RUNNING:
            wanted = talk.wants()
            assert wanted >= 1
            taken = talk.feed(data, at, min(len(data), at + sizes[turn % 2]), turn)
            assert taken > 0
            at += taken
            turn += 1
            if choice & 16 or turn % 3 == 0:
                said += talk.drain(out, 0, len(out), turn)
    except RemoteError as error:
        assert error.code == 1 and talk.state == multistream.REFUSED
    said += talk.drain(out, 0, len(out), turn)
    assert not talk.has_output and said <= 20 + 20 + 4 * 6
    if talk.state == multistream.AGREED:
        assert talk.protocol in ("/noise", "/other/1") and talk.wants() == 0
        assert data[:at].endswith(talk.protocol.encode() + b"\n"), "it took bytes of the next layer"


def fuzz_noise(data):
    """A handshake in which the message of one turn was changed, cut, or replaced."""
    cut = Cut(data)
    choice, number = cut.u8(), cut.u8() % 3
    is_hybrid, is_whole = choice % 4 == 0, choice & 4
    initiator, responder = side(ALICE, True, is_hybrid), side(BOB, False, is_hybrid)
    message, reader = up_to(number, initiator, responder)
    honest = bytes(message)
    if is_whole:
        message = cut.rest()[:MAX_HANDSHAKE]
    else:
        message = bytearray(message)
        while cut.at + 2 < len(data):
            place = (cut.u8() << 8 | cut.u8()) % (len(message) + 1)
            value = cut.u8()
            if place == len(message):
                message.append(value)
            elif value == 0 and len(message) > 1:
                message.pop(place)
            else:
                message[place] ^= value
    try:
        take(reader, message)
    except VerifyError as error:
        assert bytes(message) != honest and error.rule in ("noise", "identity", "transcript", "peer")
        assert not reader.peer_id and reader.sender is None
        return
    if number:
        assert bytes(message) == honest
        assert reader.peer_id == (BOB, ALICE)[number - 1].identity.peer_id
    elif bytes(message) != honest:
        # The first one is in the clear: whoever changed it is found out by the next.
        assert not reader.peer_id
        answer = written(reader)
        try:
            take(initiator, answer)
        except VerifyError as error:
            assert error.rule == "noise"
        else:
            raise AssertionError("a first message that was changed went unnoticed")
    assert reader.turn == DONE or number < 2


def fuzz_payload(data):
    """What a peer that has the keys may say inside the handshake."""
    cut = Cut(data)
    is_initiator = bool(cut.u8() % 2)
    try:
        payload = noise_payload.Payload(cut.rest(), 0, len(cut.rest()))
        assert len(payload.muxers) <= 32 and len(payload.securities) <= 32
        peer = payload.check_identity(BOB.identity, ALICE.public)
        assert peer == keys.peer_id(payload.key)
        payload.check_transcript(BOB.identity, bytes(32), [HYBRID, PLAIN], is_initiator, HYBRID)
    except VerifyError as error:
        assert error.rule in ("identity", "transcript") and len(str(error)) < 4096


def fuzz_yamux(data):
    """A session that hears any bytes, cut anywhere, while its streams are used."""
    cut = Cut(data)
    choice, chunks = cut.u8(), 2 + cut.u8() % 6
    steps = [cut.u8() for _ in range(8)]
    pool = Pool("chunks", chunks, 16 + choice % 64, 1)
    limits = profile(inbound_streams=3, outbound_streams=3, pings_per_minute=5, stream_stall_ms=50, half_closed_ms=200)
    session = Session(bool(choice & 1), limits, pool)
    data, at, turn, now = cut.rest(), 0, 0, 0
    held = []
    buf = bytearray(400)
    try:
        while at < len(data) and turn < 2 * len(data) + 50:
            step = steps[turn % 8]
            turn += 1
            end = min(len(data), at + 1 + step // 8 * 3)
            wanted = session.wants()
            taken = session.feed(data, at, end, now)
            assert taken >= min(wanted, end - at), "it wants what it takes"
            at += taken
            now += step % 16
            while (event := session.next_event()) != 0:
                if event == STREAM:
                    held.append(session.stream)
            what = step % 8
            stream = held[step // 8 % len(held)] if held else session.open(now)
            if stream is None:
                session.drain(buf, 0, 400, now)
                continue
            if stream not in held:
                held.append(stream)
            if what == 0:
                session.drain(buf, 0, 13 + step, now)
            elif what == 1:
                session.tick(now)
            elif what == 2:
                stream.send(bytes(step), 0, step)
            elif what == 3:
                stream.finish()
            elif what == 4:
                stream.reset(1)
                held.remove(stream)
            else:
                stream.credit(stream.recv_into(buf, 0, 1 + step))
            assert pool.count - pool.free == session.inbox.used + session.outbox.used
            assert len(session.output.resets) <= 32 + 6 and len(session.streams) <= 6
            assert len(session._ids._gaps) <= 64 and session.wake_at(now) >= -1
    except RemoteError as error:
        assert error.code in (1, 2) and session.is_over and pool.free == pool.count
        assert session.drain(buf, 0, 400, now) == 12
        assert buf[:12] == bytes([0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, error.code]), "GoAway and nothing else"
        assert session.feed(b"\0" * 12, 0, 12, now) == 0
    session.close()
    assert pool.free == pool.count


def fuzz_connection(data):
    """A script of steps over two connections; connection_script.py says what must hold."""
    cut = Cut(data)
    choice, pools, windows = cut.u8(), cut.u8(), cut.u8()
    numbers = {
        "frames": 4 + pools % 3,
        "frame_bytes": (1536, 5000)[pools // 4 % 2],
        "stream_chunks": 4 + pools // 8 % 8,
        "chunk_bytes": (40, 100, 1000, 60)[pools // 64],
        "stream_window_bytes": (50, 700, 5000, 300_000)[windows % 4],
        "connection_window_bytes": (100, 2000)[windows // 4 % 2],
        "connection_send_bytes": (200, 2000)[windows // 8 % 2],
        "send_buffer_bytes": (40, 300)[windows // 16 % 2],
        "inbound_streams": 1 + windows // 32 % 4,
        "outbound_streams": 1 + windows // 128 * 3,
        "stream_stall_ms": (1, 10_000)[choice // 4 % 2],
        "half_closed_ms": (50, 120_000)[choice // 8 % 2],
    }
    is_real = choice % 8 == 3
    script = Script(numbers, is_real, (OFF, OFF) if choice % 16 == 3 else (PREFER, PREFER))
    steps = 0
    while cut.at + 3 <= len(data) and steps < 150:
        what, how, size = cut.u8(), cut.u8(), cut.u8()
        script.run(OPS[what % len(OPS)], how % 2, how // 2 % 8, size * (1 + how // 16 % 4))
        steps += 1
    script.end()


def fuzz_framing(data):
    cut = Cut(data)
    sizes = [cut.u8(), cut.u8()]
    limit = cut.u8() * 8
    pair, far, near, data = arriving(cut.rest())
    reader = MessageReader("fuzz")
    reader.limit = limit
    reader.begin(near)
    messages = []

    class Core:
        def poll(self, now):
            if reader.left == 0:
                event = reader.next_message()
                if event == jam_events.MORE:
                    assert reader.length <= limit
                    messages.append(bytearray())
                return event
            buf = bytearray(50)
            count = reader.read_into(buf, 0, 1 + now % 50)
            messages[-1] += buf[:count]
            return jam_events.MORE if count else reader.ended

    try:
        run_core(Core(), pair, far, data, sizes)
    except RemoteError as error:
        assert str(error).startswith("fuzz: ")
        return
    made = b"".join(len(message).to_bytes(4, "little") + bytes(message) for message in messages)
    assert made == data or not reader.at_boundary()


def fuzz_header_request(data):
    """An answer of any bytes to a request; and a request of any bytes."""
    cut = Cut(data)
    choice, sizes = cut.u8(), [cut.u8(), cut.u8()]
    maximum = 1 + cut.u8() % 4
    pair, far, near, data = arriving(cut.rest())
    if choice % 2:
        core = HeaderRequest(TINY, bytearray((TINY.max_header_size, TINY.plain_header_size)[choice // 2 % 2]))
        core.begin(near, bytes(32), (ASCENDING, DESCENDING)[choice // 4 % 2], maximum)
    else:
        core = HeaderResponder()
        core.begin(near)
    try:
        found = run_core(core, pair, far, data, sizes)
        if choice % 2:
            assert found.count(jam_events.HEADER) <= maximum
    except RemoteError as error:
        assert error.code and str(error).startswith("header request: ")
    except BudgetError as error:
        assert error.limit == "header_buf"


def fuzz_header_announcement(data):
    cut = Cut(data)
    choice, sizes = cut.u8(), [cut.u8(), cut.u8()]
    pair, far, near, data = arriving(cut.rest())
    core = HeaderAnnouncement(4)
    core.attach(near, (OURS, THEIRS)[choice % 2])
    for number in range(choice // 2 % 8):
        core.announce(bytes([number]) * 32, number)
    try:
        found = run_core(core, pair, far, data, sizes)
        assert found.count(jam_events.ANNOUNCEMENT) <= len(data) // 40
    except RemoteError as error:
        assert error.code and str(error).startswith("header announcement: ")


def fuzz_relayed_request(data):
    cut = Cut(data)
    sizes = [cut.u8(), cut.u8()]
    pair, far, near, data = arriving(cut.rest())
    found = Preamble(near)
    far.send(data, 0, min(len(data), 1 + sizes[0]))
    pair.pump()
    try:
        event = found.poll()
        if event == jam_events.NOTHING:
            far.send(data, 1 + sizes[0], len(data))
            far.finish()
            pair.pump()
            event = found.poll()
        assert event == jam_events.REQUEST, "whole, or a fault"
        assert (found.kind, found.hops) == (data[4], data[5]) and data[:4] == b"\2\0\0\0"
        assert found.kind in (128, 129, 130, 153) and found.hops <= MAX_HOPS
    except RemoteError as error:
        assert error.code and str(error).startswith("relayed request: ")


def fuzz_measured(data):
    """A block with its parts looked at ends where it ends for who only walks over it."""
    skipper = Skipper(TINY, bytearray(TINY.max_header_size), len(data))
    skipper.begin()
    at, header_end, refusal = 0, 0, ""
    try:
        while skipper.event != jam_events.BLOCK:
            taken = skipper.feed(data, at, len(data))
            at += taken
            if skipper.event == jam_events.HEADER:
                header_end = at
            elif not taken and skipper.event == jam_events.NOTHING:
                skipper.finish()
    except VerifyError as error:
        refusal = str(error)
    try:
        found = Measured(TINY, data, len(data))
    except VerifyError as error:
        assert str(error) == refusal
        return
    assert not refusal and (found.header_end, found.size) == (header_end, at)


def _pieces(cut):
    """What comes over a serial line: frames of these bodies, and now and then bytes that are none."""
    while cut.at < len(cut.data):
        size = cut.u8()
        body = bytes([cut.u8() for _ in range(min(size % 128 + 1, len(cut.data)))])
        yield serial_frame.encode(body) if size < 224 else body


def fuzz_serial_link(data):
    """Whatever an end hears, it stays in a state that there is, and gives its bytes in order."""
    cut = Cut(data)
    choice = cut.u8()
    link = SerialLink(1 + (choice >> 2 & 7))
    link.next_id = b"next"
    now = 0
    if choice & 1:
        link.dial(b"dial", now)
    buf = memoryview(bytearray(300))
    for piece in _pieces(cut):
        now += 1 + 40 * (choice >> 5)
        link.feed(piece, 0, len(piece), now)
        if choice & 2:
            link.recv_into(buf, 0, 300, now)
            link.send(buf, 0, 300)
        for _ in range(20):
            if not link.outlet(now):
                break
            assert link.out_end <= serial_frame.MAX_FRAME
            link.sent(link.out_end - link.out_start)
        assert link.state in (0, 1, 2, 3) and (link.wake_at(now) >= 0 or link.state == 2)
        assert 0 <= link.incoming.room <= 8 and link.incoming.held < 128


def fuzz_console(data):
    """Whatever a console hears, it goes on, in the memory that it has, and answers the next request."""
    bench = Bench(ring_bytes=LEAST_BYTES)
    for piece in _pieces(Cut(data)):
        bench.put(piece)
        for question in bench.face.questions:
            question.is_done = True
        bench.turn(4, 300)
        assert bench.console.output.size <= LEAST_BYTES
    bench.turn(20)
    bench.take()
    bench.ask("pools")
    bench.turn(4)
    assert [3, 7, 2] in bench.take()[1]


TARGETS = {
    "serial_link": fuzz_serial_link,
    "console": fuzz_console,
    "varint": fuzz_varint,
    "protobuf": fuzz_protobuf,
    "multiaddr": fuzz_multiaddr,
    "keys": fuzz_keys,
    "identity": fuzz_identity,
    "identify": fuzz_identify,
    "multistream": fuzz_multistream,
    "noise": fuzz_noise,
    "payload": fuzz_payload,
    "yamux": fuzz_yamux,
    "connection": fuzz_connection,
    "framing": fuzz_framing,
    "header_request": fuzz_header_request,
    "header_announcement": fuzz_header_announcement,
    "relayed_request": fuzz_relayed_request,
    "measured": fuzz_measured,
}
assert (events.NOTHING, events.DONE, events.REFUSED, events.LOST) == (
    jam_events.NOTHING, jam_events.DONE, jam_events.REFUSED, jam_events.LOST,
), "run_core knows both kinds of events"  # fmt: skip
