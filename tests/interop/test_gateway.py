"""typeberry, a gateway in front of it, and a lite node that knows only the gateway: each a process of its own."""

import pytest

from .light_node import LightNode, ask_state
from .typeberry import Typeberry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.interop

BLOCKS = 30
FOLLOW_S = 240.0  # 30 blocks take about 10 s where nothing else runs
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
            lambda n: len(n.named("best")) >= BLOCKS and n.named("unanswered") != [],
            FOLLOW_S, "%d blocks and a question without an answer" % BLOCKS,
        )
    assert node.returncode == 0, node.errors
    return node


def test_a_lite_node_follows_typeberry_over_a_gateway(followed: LightNode) -> None:
    best = followed.named("best")
    assert followed.summary["headers_checked"] >= BLOCKS and followed.summary["headers_refused"] == 0
    assert {event["level"] for event in best} <= {"sealed", "vouched", "linked (pending)"}
    assert sum(event["level"] != "linked (pending)" for event in best) > len(best) // 2
    assert followed.named("vouched") != [] and {event["ticket"] for event in best} == {False, True}
    assert followed.named("refused") == [] and followed.named("peer_left") == []


def test_the_lite_leg_is_hybrid_and_the_node_is_on_no_other(followed: LightNode, gateway: LightNode) -> None:
    assert followed.named("ready")[0]["addresses"] == []
    peers = followed.named("peer")
    assert [event["suite"] for event in peers] == ["hybrid"]
    assert address(gateway).endswith("/p2p/" + peers[0]["peer"])
    # The gateway's own leg to typeberry is JAMNP-S, which is classical; it says so.
    assert [event["suite"] for event in gateway.named("peer") if event["peer"].startswith("e")] == ["classical"]


def test_what_typeberry_does_not_serve_is_said_to_be_unavailable(followed: LightNode, gateway: LightNode) -> None:
    # The gateway has asked typeberry once, on a connection of its own, and goes on following.
    assert gateway.named("offers")[-1]["state"] == "unavailable upstream"
    reasons = {event["reason"] for event in followed.named("unanswered")}
    assert any("unavailable upstream" in reason for reason in reasons), reasons
    assert followed.named("proved") == []
    assert [event for event in gateway.named("peer_left") if event["peer"].startswith("e")] == []


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
