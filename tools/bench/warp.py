#!/usr/bin/env python3
"""What a warp costs: the justifications of so many full-spec epochs, checked set after set.

    python3 tools/bench/warp.py [--sets 24] [--board qemu-virt-rv32-264k] [--no-board] [--json]

Each fragment is a header with 1,023 keys and 683 votes. They are served over libp2p by another process and checked
while they stream in (bytes on the connection against the floor, which is what fragments cannot do without, CPU time and
memory of this process); then from memory, by us and, in turns, by a straightforward verifier, which holds a fragment
whole, parses it and checks each vote by `cryptography`'s Ed25519. On the emulated board, under QEMU's -icount, one
fragment is checked whole, with all of its votes: keys in flash, the mark's keys through the scratch area.

Exit status: 0 good, 1 above a bar or a wrong answer, 2 wrong words or a missing compiler.
"""

import argparse
import asyncio
import hashlib
import json
import multiprocessing
import re
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from cryptography.exceptions import InvalidSignature  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: E402

from jamliquor_lite.budget.budgets import Budgets  # noqa: E402
from jamliquor_lite.budget.profile import Profile  # noqa: E402
from jamliquor_lite.codec.spec import FULL  # noqa: E402
from jamliquor_lite.jam.events import FRAGMENT, LOST, NOTHING, REFUSED  # noqa: E402
from jamliquor_lite.jam.kinds import WARP_SYNC_REQUEST  # noqa: E402
from jamliquor_lite.jam.warp_request import WarpRequest  # noqa: E402
from jamliquor_lite.node.errand import Errand  # noqa: E402
from jamliquor_lite.node.libp2p import Libp2pCarrier  # noqa: E402
from jamliquor_lite.node.peers import Record  # noqa: E402
from jamliquor_lite.ports import board, clock  # noqa: E402
from jamliquor_lite.sync.warp import Warp, fragment_bytes  # noqa: E402
from tests.sync.warps import GENESIS, Warps  # noqa: E402

BOARD = "qemu-virt-rv32-264k"
BARS = {"bytes": 1.02, "cpu_s": 6.0, "instructions": 2_300_000_000}
FLAT = 1.02  # memory after the last fragment against that after the third
LIMIT_S = 900
CLOCK_MHZ = 150
PIECE = 4096
HEADER_TAIL = 98 + 1 + 96  # behind an epoch mark and the flag of a tickets mark, where there are no offenders


# -- over a real connection


def serve(sets: int, pipe: "multiprocessing.connection.Connection") -> None:
    """In a process of its own: the fragments, over libp2p, until the pipe says otherwise."""
    asyncio.run(_serve(sets, pipe))


async def _serve(sets: int, pipe: "multiprocessing.connection.Connection") -> None:
    answer = Warps(sets, FULL).answer(0, sets)
    data = len(answer).to_bytes(4, "little") + answer
    carrier = Libp2pCarrier(b"\1" * 32, GENESIS[:4].hex(), Profile(), [("127.0.0.1", 0)], (WARP_SYNC_REQUEST,))
    errand = Errand([carrier], Budgets(carrier.profile))
    carrier.open(errand._waker)
    pipe.send((carrier.name, carrier.addresses[0]))
    connection = stream = None
    sent = asked = 0
    buf = bytearray(64)
    while not pipe.poll():
        connection = connection or carrier.accept()
        if connection is not None and stream is None:
            stream = connection.accept()
        if stream is not None and asked < 8:
            got = stream.recv_into(buf, 0, len(buf))
            stream.credit(got)
            asked += got
        if stream is not None and asked >= 8 and sent < len(data):
            sent += stream.send(data, sent, len(data))
            if sent == len(data):
                stream.finish()
        await errand.turn(5)
    errand.close()


class Streamed:
    """What came over the connection: bytes of it, CPU seconds of this thread, resident bytes by fragment."""

    def __init__(self) -> None:
        self.bytes = self.content = 0
        self.cpu_s = 0.0
        self.resident: "list[int]" = []
        self.set_id = 0


async def _stream(sets: int, world: Warps, address: "tuple[str, str]") -> Streamed:
    name, place = address
    port = int(place.split("/")[4])
    profile = Profile()
    carrier = Libp2pCarrier(b"\2" * 32, GENESIS[:4].hex(), profile, [], (WARP_SYNC_REQUEST,))
    errand = Errand([carrier], Budgets(profile))
    errand.open(GENESIS, (WARP_SYNC_REQUEST,))
    found = Streamed()
    warp = Warp(FULL, profile, world.start())
    request = WarpRequest(bytearray(profile.read_bytes))
    connection = errand.connect(Record(name, "127.0.0.1", port, carrier))
    stream = await errand.stream(connection, WARP_SYNC_REQUEST)
    handshake, began = errand.bytes_in, time.thread_time()
    request.begin(stream, 0, warp)
    while request.busy:
        event = request.poll(clock.ticks_ms())
        if event == FRAGMENT:
            found.resident.append(board.memory()[0])
        assert event not in (REFUSED, LOST), event
        await errand.worked(event != NOTHING)
    found.cpu_s = time.thread_time() - began
    found.bytes, found.content = errand.bytes_in - handshake, request.received_bytes
    found.set_id = warp.progress.set_id
    errand.close()
    return found


def streamed(sets: int, world: Warps) -> Streamed:
    """Ask a server in another process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(sets, theirs), daemon=True)
    server.start()
    try:
        found = asyncio.run(_stream(sets, world, ours.recv()))
        ours.send("enough")
        return found
    finally:
        server.join(10)
        server.kill()


# -- from memory, in turns with a straightforward verifier


def ours(warp: Warp, fragment: bytes, buf: bytearray) -> None:
    """Check a fragment by pieces."""
    view = memoryview(fragment)
    warp.begin()
    at = 0
    while not warp.is_done:
        size = min(PIECE, len(fragment) - at)
        buf[:size] = view[at : at + size]
        taken = 0
        while taken < size and not warp.is_done:
            taken += warp.feed(buf, taken, size)
        at += taken
    assert at == len(fragment)


def plain(fragment: bytes, set_id: int, keys: "list[bytes]") -> "list[bytes]":
    """A verifier as one writes it down: the keys that the mark names; AssertionError for what is wrong."""
    mark = 101 + 64
    end = mark + 64 * FULL.validators + 1 + HEADER_TAIL + 32 * fragment[mark + 64 * FULL.validators + 99]
    header_hash = hashlib.blake2b(fragment[:end], digest_size=32).digest()
    rest = fragment[end:]
    assert int.from_bytes(rest[8:12], "little") == set_id and rest[12:44] == header_hash
    target, size = rest[12:80], 1 if rest[80] < 0x80 else 2
    count = rest[80] if size == 1 else (rest[80] & 0x3F) << 8 | rest[81]
    at, voters = 80 + size, set()
    for _ in range(count):
        vote, signature, key = rest[at : at + 68], rest[at + 68 : at + 132], rest[at + 132 : at + 164]
        at += 164
        assert vote == target and key in keys and key not in voters
        Ed25519PublicKey.from_public_bytes(key).verify(signature, b"jam_grandpa_vote\x01" + vote + rest[:12])
        voters.add(key)
    assert len(voters) > 2 * FULL.validators / 3 and rest[at:] == b"\0"
    return [fragment[mark + 64 * i + 32 : mark + 64 * i + 64] for i in range(FULL.validators)]


def compare(world: Warps) -> "dict[str, float]":
    """CPU seconds of both for all fragments, one after the other in turns, and heap bytes of ours by fragment."""
    def pairs(keys: bytes) -> "list[bytes]":
        return [keys[64 * i + 32 : 64 * i + 64] for i in range(FULL.validators)]

    warp = Warp(FULL, Profile(), world.start())
    buf = bytearray(PIECE)
    voting, following = pairs(world.keys[0]), pairs(world.keys[1])
    times = {"ours": 0.0, "plain": 0.0}
    for set_id, fragment in enumerate(world.fragments):
        began = time.thread_time()
        ours(warp, fragment, buf)
        middle = time.thread_time()
        try:
            named = plain(fragment, set_id, voting)
        except InvalidSignature:
            raise AssertionError(f"set {set_id}: a vote that we took is none")
        times["plain"] += time.thread_time() - middle
        times["ours"] += middle - began
        voting, following = following, named
    assert warp.progress.set_id == len(world.fragments)
    assert warp.progress.next_keys.whole() == world.keys[len(world.fragments) + 1]
    return times


def heap(world: Warps) -> "list[int]":
    """Bytes that objects of ours have after each fragment."""
    tracemalloc.start()
    warp, buf, found = Warp(FULL, Profile(), world.start()), bytearray(PIECE), []
    for fragment in world.fragments:
        ours(warp, fragment, buf)
        found.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    return found


# -- on a board


def on_board(name: str, world: Warps) -> "dict[str, int]":
    """Instructions of one fragment, by part."""
    from tests.device.emulated import Emulated

    chain = ROOT / "jamliquor_lite" / "chain"
    files = {"main.py": Path(__file__).with_name("warp_board.py").read_bytes(), "keys": world.keys[0]}
    for module in ("header_walk", "justification", "mark_walk"):
        text = (chain / f"{module}.py").read_text()
        text = re.sub(r"^from \.(header_walk) import", r"from \1 import", text, flags=re.M)
        text = re.sub(r"^(\s*)from \.\.(\w)", r"\1from jamliquor_lite.\2", text, flags=re.M)
        text = re.sub(r"^(\s*)from \.(\w)", r"\1from jamliquor_lite.chain.\2", text, flags=re.M)
        files[f"{module}.py"] = text.encode()
    with tempfile.TemporaryDirectory() as folder, Emulated(
            name, Path(folder), files, more={"tree": {"fragment": world.fragments[0]}}, instructions=True) as device:
        device.expect("^done$", LIMIT_S)
        lines = device.lines
    found = {}
    for line in lines:
        match = re.fullmatch(r"([a-z ]+) (\d+)", line)
        if match:
            found[match.group(1)] = int(match.group(2))
    wanted = world.targets[0][:32].hex()
    assert found.get("support") == 2 * FULL.validators // 3 + 1 and f"target {wanted}" in lines, lines
    return found


def main(arguments: "list[str]") -> int:
    """Measure, print, compare with the bars. The exit status."""
    parser = argparse.ArgumentParser(
        prog="warp.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=24, help="epochs (default 24: a day)")
    parser.add_argument("--board", default=BOARD, help=f"the emulated board (default {BOARD})")
    parser.add_argument("--no-board", action="store_true", help="leave the board out")
    parser.add_argument("--json", action="store_true", help="one JSON line instead of the table")
    options = parser.parse_args(arguments)
    if options.sets < 4:
        parser.error("--sets: at least 4")
    world = Warps(options.sets, FULL)
    floor = options.sets * fragment_bytes(FULL)
    wire = streamed(options.sets, world)
    assert wire.set_id == options.sets
    times, kept = compare(world), heap(world)
    figures: "dict[str, float]" = {
        "sets": options.sets, "bytes": wire.bytes, "floor": floor, "bytes_ratio": wire.bytes / floor,
        "cpu_s": wire.cpu_s * 24 / options.sets, "ours_s": times["ours"], "plain_s": times["plain"],
        "ratio": times["ours"] / times["plain"], "heap_3": kept[2], "heap_last": kept[-1],
        "resident_3": wire.resident[2], "resident_last": wire.resident[-1],
    }
    over = [name for name, value in (("bytes", figures["bytes_ratio"]), ("cpu_s", figures["cpu_s"]))
            if value > BARS[name]]
    if kept[-1] > FLAT * kept[2]:
        over.append("memory")
    parts: "dict[str, int]" = {}
    if not options.no_board:
        from tests.device.emulated import NoBoard
        from tools.building import ToolError

        try:
            parts = on_board(options.board, world)
        except (NoBoard, ToolError) as error:
            print(f"warp.py: {error}", file=sys.stderr)
            return 2 if isinstance(error, NoBoard) or error.status == 2 else 1
        figures["instructions"] = sum(parts[name] for name in ("header", "voters", "votes", "mark kept"))
        if figures["instructions"] > BARS["instructions"]:
            over.append("instructions")
    if options.json:
        print(json.dumps({**figures, "parts": parts, "over": over}))
        return 1 if over else 0
    print(f"{options.sets} full-spec epochs: {wire.bytes:,} bytes over libp2p, the floor is {floor:,}: "
          f"{figures['bytes_ratio']:.4f} x   bar {BARS['bytes']}")
    print(f"CPU while they stream in {wire.cpu_s:.2f} s   bar {BARS['cpu_s']} for 24")
    print(f"from memory: ours {times['ours']:.2f} s, a straightforward verifier {times['plain']:.2f} s: "
          f"{figures['ratio']:.2f} x")
    print(f"memory after fragment 3 and the last: objects {kept[2]:,} and {kept[-1]:,} B, resident "
          f"{wire.resident[2]:,} and {wire.resident[-1]:,} B")
    if parts:
        total = int(figures["instructions"])
        print(f"{options.board}, one fragment, every vote checked: {total:,} instructions, "
              f"{total / CLOCK_MHZ / 1e6:.1f} s at one a cycle and {CLOCK_MHZ} MHz   bar {BARS['instructions']:,}")
        print(f"  header {parts['header']:,}, voters' keys {parts['voters']:,}, {parts['support']} votes "
              f"{parts['votes']:,} ({parts['votes'] // parts['support']:,} each), mark's keys {parts['mark kept']:,}")
    for name in over:
        print(f"warp.py: {name} is above its bar", file=sys.stderr)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
