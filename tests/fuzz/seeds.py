"""Honest inputs of each target, for a fuzzer to begin with: `python -m tests.fuzz.seeds` adds them to the corpus.

What it finds by itself from there is put beside them (fuzz.py, --keep).
"""

import struct

from jamliquor_lite.codec import varint
from jamliquor_lite.codec.natural import encode as natural
from jamliquor_lite.codec.protobuf import field_bytes, field_int
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.console import messages
from jamliquor_lite.jam.relayed_request import preamble
from jamliquor_lite.p2p import identify, keys, multiaddr
from jamliquor_lite.transport import noise_payload
from jamliquor_lite.transport.multistream import message
from jamliquor_lite.transport.noise import HYBRID, PLAIN
from tests.fake_carrier import Dice
from tests.jam.blocks import block
from tests.transport.connection_script import OPS
from tests.transport.noise_pairs import ALICE, BOB

from . import corpus

ADDRESSES = (
    "/ip4/192.0.2.1/tcp/4001",
    "/ip6/2001:db8::1/tcp/4001/p2p/" + BOB.identity.name,
    "/dns4/example.org/tcp/443/wss",
    "/dnsaddr/example.org/p2p/" + ALICE.identity.name,
    "/ip4/192.0.2.1/udp/4001/quic-v1/p2p/" + BOB.identity.name + "/p2p-circuit/p2p/" + ALICE.identity.name,
    "/ip4/192.0.2.1/udp/9/webrtc-direct/certhash/uEiAsGPzpiPGQzSlVHRXrUCT5EkTV7YFrV4VZ3hpEKTd_zg",
)
HEADER = message("/multistream/1.0.0")


def info():
    return identify.Info(
        "agent/1", "ipfs/0.1.0", BOB.identity.key, [multiaddr.parse(ADDRESSES[0]), multiaddr.parse(ADDRESSES[1])],
        multiaddr.parse(ADDRESSES[0]), ["/ipfs/ping/1.0.0", "/a/1"],
    )  # fmt: skip


def frame(kind, flags, stream_id, length, data=b""):
    return struct.pack(">BBHII", 0, kind, flags, stream_id, length) + data


def steps(text):
    """A script as fuzz_connection reads it: `what side/pick size` in turn."""
    out = b""
    for step in text.split(","):
        what, side, pick, size = step.split()
        out += bytes([OPS.index(what), int(side) | int(pick) << 1, int(size)])
    return out


def header(slot, size=TINY.plain_header_size):
    data = bytearray(size)
    data[96:100] = slot.to_bytes(4, "little")
    return bytes(data)


def framed(*contents):
    return b"".join(len(content).to_bytes(4, "little") + content for content in contents)


TALK = "open 0 0 0,send 0 0 200,move 0 3 200,recv 1 0 200,credit 1 0 255,send 1 0 100,finish 1 0 0,move 1 3 200"
SECRET = noise_payload.sign_static(BOB.identity, ALICE.public)


def made():
    """(target, inputs) of each."""
    yield "varint", [varint.encode(n) for n in (0, 1, 127, 128, 16383, 16384, 2**31, 2**63 - 1)]
    said = identify.encode(info())
    payload = noise_payload.encode(BOB.identity, SECRET, bytes(32), ["/yamux/1.0.0"], [HYBRID, PLAIN])
    yield "protobuf", [said[2:], payload, field_int(3, 300) + b"\x0d1234" + b"\x1112345678" + field_bytes(9, b"x")]
    parsed = [multiaddr.parse(text) for text in ADDRESSES]
    yield "multiaddr", [b"\x01" + one.text.encode() for one in parsed] + [b"\x00" + one.encode() for one in parsed]
    bodies = [keys.encode(key_type, bytes(size)) for key_type, size in ((0, 294), (1, 32), (2, 33), (3, 91))]
    names = [BOB.identity.name, keys.peer_name(keys.peer_id(bodies[0]))]
    yield "keys", [b"\x00" + BOB.identity.key] + [b"\x00" + body for body in bodies] + [
        b"\x01" + name.encode() for name in names
    ]
    signed = BOB.identity.sign(b"message")
    yield "identity", [bytes([len(BOB.identity.key)]) + BOB.identity.key + signed]
    yield "identify", [b"\xff\xff" + said, b"\x03\x07" + said, b"\x20\x20" + said + identify.encode(identify.Info("b"))]
    yes = HEADER + message("/noise")
    yield "multistream", [
        b"\x10\x20\x20" + yes, b"\x11\x20\x20" + yes, b"\x13\x01\x05" + HEADER + message("na") + message("/other/1"),
        b"\x16\x01\x09" + HEADER + message("/no/1") + message("ls") + message("/other/1"), b"\x00\x40\x40" + HEADER,
    ]  # fmt: skip
    yield "noise", [bytes([choice, number]) for choice in (0, 1) for number in (0, 1, 2)] + [
        b"\x01\x01\x00\x05\x01", b"\x01\x02\x00\x20\x00", b"\x05\x00" + bytes(32), b"\x05\x01" + bytes(96),
    ]  # fmt: skip
    unbound = noise_payload.encode(BOB.identity, SECRET, bytes(32), ["/yamux/1.0.0"], [])
    yield "payload", [b"\x01" + payload, b"\x00" + payload, b"\x00" + unbound]
    name = HEADER + message("/x/1")
    syn = frame(0, 1, 1, len(name), name)
    yield "yamux", [
        bytes([0, 4]) + bytes(range(0, 64, 8)) + syn + frame(0, 0, 1, 5, b"hello") + frame(1, 4, 1, 0),
        bytes([0, 1, 5, 13, 0, 1, 2, 3, 4, 5]) + syn + frame(1, 0, 1, 500) + frame(2, 1, 0, 7) + frame(3, 0, 0, 0),
        bytes([1, 2]) + bytes([255] * 8) + frame(1, 2, 1, 0) + frame(0, 1, 2, 30, bytes(30)) + frame(1, 8, 2, 0),
    ]
    yield "connection", [
        bytes([0, 0xB8, 0xEF]) + steps(TALK),
        bytes([0, 0x08, 0x00]) + steps(TALK + "," + TALK + ",tick 0 7 255,reset 0 0 0,close 1 1 0"),
        bytes([3, 0xBC, 0xEF]) + steps("move 0 7 255,move 0 7 255," + TALK + ",flip 0 3 9,deliver 1 0 255"),
        bytes([11, 0xBC, 0xEF]) + steps("move 0 7 255,move 0 7 255," + TALK + ",double 1 0 0,move 0 7 255,cut 0 0 0"),
    ]
    yield "framing", [b"\x04\x90\x10" + framed(b"hello", b"", bytes(100)), b"\x00\x00\x01" + framed(bytes(9))]
    pair = [natural(len(one)) + one for one in (header(5), header(6))]
    # A fuzzer's inputs are short: what is longer than a header is given here alone.
    yield "header_request", [
        b"\x01\xff\xff\x01" + framed(pair[0]), b"\x05\xf0\x33\x02" + framed(pair[1] + pair[0]),
        b"\x01\xff\xff\x00" + framed(b""), b"\x00\x10\x10\x00" + framed(bytes(32) + b"\x01" + b"\x05\0\0\0"),
    ]  # fmt: skip
    one = bytes(32) + (77).to_bytes(4, "little")
    asked = framed(bytes(37))
    yield "relayed_request", [b"\x00\x00" + preamble(128, 3) + asked, b"\x06\x00" + preamble(129, 0), b"\1\1"]
    bodies = [block(TINY, Dice(number)) for number in range(40)]
    small = [header + bytes(7) for header, _ in bodies[:1]] + sorted((whole for _, whole in bodies), key=len)[:12]
    yield "measured", [one for one in small if len(one) < 3_000]
    session = b"next" + b"\0"
    yield "serial_link", [
        b"\x02" + b"".join([bytes([len(body) - 1]) + body for body in bodies]) for bodies in (
            [b"\x10\1dial", b"\x12" + session + b"\0\0\0\4hello", b"\x12" + session + b"\2\0\0\4z", b"\x14next\0"],
            [b"\x10\1dial", b"\x13" + session + b"\1\4\0\1", b"\x13" + session + b"\0\4\1\0", b"\x10\1next"],
        )
    ] + [b"\x03\x09\x19\1dialsess\x0b\x1asess\0\0\0\0\4hi"]
    yield "console", [
        bytes([len(body) - 1]) + body for body in (
            messages.request(1, "state", ("service", 1)), messages.request(2, "log", ("since", 0)),
            messages.request(3, "status", ("every", 100)), messages.request(4, "chain"), messages.request(5, "help"),
        )
    ] + [b"\xff" + line for line in (b"status\r", b"st\x7f\x15log 3\r\n", b"\x1b[Ahelp\r", b"peers\3\r")]
    yield "header_announcement", [b"\x01\x20\x60" + framed(one, one), b"\x00\x20\x60", b"\x0e\x01\x02" + framed(one)]


if __name__ == "__main__":
    for target, inputs in made():
        print(target, corpus.save(target, corpus.load(target) + inputs))
