"""typeberry, a gateway in front of it, and a lite node that knows only the gateway: each a process of its own."""

import asyncio

import pytest

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.jam.block_request import BlockRequest
from jamliquor_lite.jam.events import BLOCK, DONE, LOST, NOTHING, REFUSED
from jamliquor_lite.jam.kinds import BLOCK_REQUEST
from jamliquor_lite.jam.range_request import ASCENDING, DESCENDING
from jamliquor_lite.node.libp2p import Libp2pCarrier
from jamliquor_lite.p2p import multiaddr
from jamliquor_lite.ports import clock
from jamliquor_lite.ports.tcp import Waker
from jamliquor_lite.transport.states import READY

from .light_node import LightNode, ask_state
from .typeberry import Typeberry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.interop

BLOCKS = 30
FOLLOW_S = 240.0  # 30 blocks take about 10 s where nothing else runs
UNAVAILABLE = "unavailable upstream"
LISTEN = "/ip4/127.0.0.1/tcp/0"


@pytest.fixture(scope="module")
def gateway(typeberry: Typeberry, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[LightNode]":
    """A gateway of typeberry; its first line is there."""
    data = tmp_path_factory.mktemp("gateway")
    words = ["--chain", str(typeberry.chainspec), "--data", str(data), "--upstream", typeberry.address]
    with LightNode([*words, "--listen", LISTEN], "gateway") as node:
        node.wait_until(lambda n: n.named("ready") != [], FOLLOW_S, "its addresses")
        yield node
    assert node.returncode == 0, node.errors
    # typeberry's bodies have the extrinsic hashes that we compute, and come once each.
    received, seen = node.summary["blocks_received"], len(node.named("best"))
    assert 3 <= received <= seen and node.summary["blocks_refused"] == 0


def address(gateway: LightNode) -> str:
    """Where lite nodes find it."""
    return str(next(a for a in gateway.named("ready")[0]["addresses"] if a.startswith("/")))


@pytest.fixture(scope="module")
def followed(gateway: LightNode, typeberry: Typeberry, tmp_path_factory: pytest.TempPathFactory) -> LightNode:
    """A lite node that followed over the gateway, asking for state all the while, and was then interrupted."""
    chainspec = tmp_path_factory.mktemp("lite") / "chainspec.json"
    typeberry.write_chainspec(chainspec, [])
    words = ["--chain", str(chainspec), "--data", str(chainspec.parent / "data"), "--peer", address(gateway)]
    with LightNode([*words, "--ask", "entropy"]) as node:
        node.wait_until(
            lambda n: len(n.named("best")) >= BLOCKS
            and any(UNAVAILABLE in event["reason"] for event in n.named("unanswered")),
            FOLLOW_S, "%d blocks and a question without an answer" % BLOCKS,
        )
        # typeberry may take its time to say nothing: the gateway knows when it has.
        gateway.wait_until(lambda n: n.named("offers")[-1]["state"] == UNAVAILABLE, FOLLOW_S, "what typeberry serves")
    assert node.returncode == 0, node.errors
    return node


def test_a_lite_node_follows_typeberry_over_a_gateway(followed: LightNode) -> None:
    best = followed.named("best")
    assert followed.summary["headers_checked"] >= BLOCKS and followed.summary["headers_refused"] == 0
    assert {event["level"] for event in best} <= {"sealed", "vouched", "linked (pending)"}
    assert sum(event["level"] != "linked (pending)" for event in best) > len(best) // 2
    assert followed.named("vouched") != [] and {event["ticket"] for event in best} == {False, True}
    assert followed.named("refused") == [] and followed.lost == []


def test_the_lite_leg_is_hybrid_and_the_node_is_on_no_other(followed: LightNode, gateway: LightNode) -> None:
    assert followed.named("ready")[0]["addresses"] == []
    peers = followed.named("peer")
    assert [event["suite"] for event in peers] == ["hybrid"]
    assert address(gateway).endswith("/p2p/" + peers[0]["peer"])
    # The gateway's own leg to typeberry is JAMNP-S, which is classical; it says so.
    assert [event["suite"] for event in gateway.named("peer") if event["peer"].startswith("e")] == ["classical"]


def test_what_typeberry_does_not_serve_is_said_to_be_unavailable(followed: LightNode, gateway: LightNode) -> None:
    # The gateway has asked typeberry once, on a connection of its own, and goes on following.
    assert gateway.named("offers")[-1]["state"] == UNAVAILABLE
    reasons = {event["reason"] for event in followed.named("unanswered")}
    assert any(UNAVAILABLE in reason for reason in reasons), reasons
    assert followed.named("proved") == []
    assert [event for event in gateway.lost if event["peer"].startswith("e")] == []


def test_a_checkpoint_is_bootstrapped_over_the_gateway_or_said_to_be_unavailable(
    followed: LightNode, gateway: LightNode, typeberry: Typeberry, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A start from a block in the middle needs that block's state, which typeberry does not serve."""
    chainspec = tmp_path_factory.mktemp("middle") / "chainspec.json"
    typeberry.write_chainspec(chainspec, [])
    middle = followed.named("best")[BLOCKS // 2]["hash"]
    code, answer, errors = ask_state([
        "--chain", str(chainspec), "--data", str(chainspec.parent / "data"), "--peer", address(gateway),
        "--checkpoint", middle, "--seconds", "30", "slot",
    ])
    assert (code, answer) == (1, {}) and errors.count("\n") == 1 and "Traceback" not in errors, errors


class Client:
    """A host of the lite network that asks a gateway for blocks."""

    def __init__(self, address: str, genesis_hash: bytes) -> None:
        self._carrier = Libp2pCarrier(b"\x77" * 32, genesis_hash[:4].hex(), Profile(), [])
        self._carrier.open(Waker())
        self._genesis_hash = genesis_hash
        place = multiaddr.parse(address)
        now = clock.ticks_ms()
        self._connection = self._carrier.dial_to(place.peer_id, [(place.host, place.port)], now)

    async def turn(self) -> None:
        now = clock.ticks_ms()
        self._carrier.receive(now)
        self._carrier.flush(now)
        await asyncio.sleep(0.003)

    async def blocks(self, maximum: int, stop_at: int = -1, of: bytes = b"") -> "tuple[int, int]":
        """Ask for blocks from genesis on, or from `of` back: (blocks that came whole, last event). `stop_at`: cancel
        after so many."""
        while self._connection.state != READY:
            await self.turn()
        request = BlockRequest(TINY, bytearray(TINY.max_header_size), bytearray(4096), 1 << 24)
        stream = self._connection.open(BLOCK_REQUEST)
        assert stream is not None
        direction = DESCENDING if of else ASCENDING
        request.begin(stream, of or self._genesis_hash, direction, maximum, clock.ticks_ms() + 1000 * int(FOLLOW_S))
        event = request.poll(clock.ticks_ms())
        while event not in (DONE, REFUSED, LOST):
            if request.blocks == stop_at:
                await self.turn()
                request.cancel()
                break
            if event == NOTHING:
                await self.turn()
            event = request.poll(clock.ticks_ms())
        await self.turn()
        return request.blocks + (event == BLOCK), event

    def close(self) -> None:
        self._carrier.close()
        self._carrier.flush(clock.ticks_ms())
        self._carrier.release()
        assert self._carrier.is_whole


def test_typeberrys_blocks_come_through_whole_and_giving_them_up_costs_nothing(
    followed: LightNode, gateway: LightNode, typeberry: Typeberry
) -> None:
    async def scene() -> None:
        client = Client(address(gateway), typeberry.genesis_hash)
        assert await client.blocks(20) == (20, DONE)
        for stop_at in (0, 0, 2, 2, 2):
            await client.blocks(100, stop_at)
        assert await client.blocks(5) == (5, DONE)
        # The last ones are in the gateway's memory, their bodies compared with what their headers say of them, as soon
        # as it has fetched them. What it lacks is typeberry's answer, which has one block more than was asked for.
        kept: "set[str]" = set()
        async with asyncio.timeout(FOLLOW_S):
            while len(kept) < 3:
                last = gateway.named("best")[-2]["hash"]
                found = await client.blocks(1, of=bytes.fromhex(last))
                assert found in ((1, DONE), (2, DONE))
                if found == (1, DONE):
                    kept.add(last)
                await asyncio.sleep(0.1)
        client.close()

    asyncio.run(scene())
    # Streams that were reset in the middle have not cost the connection to typeberry.
    seen = len(gateway.named("best"))
    gateway.wait_until(lambda n: len(n.named("best")) >= seen + 3, FOLLOW_S, "three blocks more")
    assert [event for event in gateway.lost if event["peer"].startswith("e")] == []
    assert gateway.named("upstream_lost") == []
    # Where much else runs, typeberry may be late with a block that the gateway wants to keep.
    assert [event for event in gateway.named("refused") if "within the time allowed" not in event["reason"]] == []


def test_a_gateway_that_starts_again_serves_who_comes_from_genesis(
    followed: LightNode, typeberry: Typeberry, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("again")
    typeberry.write_chainspec(folder / "chainspec.json", [])
    words = ["--chain", str(folder / "chainspec.json"), "--data", str(folder / "gateway"), "--listen", LISTEN]
    words += ["--upstream", typeberry.address]
    with LightNode(words, "gateway") as first:
        first.wait_until(lambda n: n.named("root") != [], FOLLOW_S, "a root that is worth keeping")
    start = first.named("root")[-1]["slot"]
    with LightNode(words, "gateway") as second:
        # Not while it catches up itself, when its upstream has enough to do.
        second.wait_until(lambda n: len(n.named("best")) >= 8, FOLLOW_S, "8 blocks")
        lite = ["--chain", str(folder / "chainspec.json"), "--data", str(folder / "lite"), "--peer", address(second)]
        with LightNode(lite) as node:
            node.wait_until(lambda n: len(n.named("best")) > start, FOLLOW_S, "all blocks from genesis on")
    assert second.named("best")[0]["slot"] > start, "it has none of those before"
    assert second.summary["blocks_relayed"] >= 1 and node.summary["headers_refused"] == 0
    # Where its upstream is too slow once, the gateway has nothing to give: it is left, and found again.
    assert [e for e in node.lost if "knows none of our headers" not in e["reason"]] == []
    assert [e for e in second.lost if e["peer"].startswith("e")] == []
