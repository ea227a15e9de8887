"""The node against a live typeberry that nobody here wrote.

typeberry serves no state (no released node does): what is proved here are typeberry's own headers and states, cut
and framed as state_peer.py says.
"""

import pytest

from jamliquor_lite.chain.state_key import chapter
from jamliquor_lite.codec.spec import TINY

from .json_rpc import JsonRpc
from .light_node import LightNode, ask_state
from .state_peer import CONSTANT, PROVE, StatePeer
from .typeberry import Typeberry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    State = list[tuple[bytes, bytes]]

pytestmark = pytest.mark.interop

BLOCKS = 72
EPOCHS = 4
ADOPTED_WITHIN = 6  # blocks
FOLLOW_S = 240.0  # 72 blocks take about 20 s where nothing else runs
LOWEST, HIGHEST = bytes(31), b"\xff" * 31
ABSENT = b"\x77" * 31
VALIDATORS = chapter(8)  # 2,016 bytes, which the trie holds as a hash
QUESTIONS = (
    "entropy",
    "slot",
    "key " + VALIDATORS.hex(),
    "key " + ABSENT.hex(),
    "range %s %s" % (chapter(5).hex(), chapter(12).hex()),
    "range %s %s" % (LOWEST.hex(), HIGHEST.hex()),
)
WATCHED = ("entropy", "slot", "key " + VALIDATORS.hex(), "key " + ABSENT.hex(), "prefix 0d",
           "range %s %s" % (chapter(5).hex(), chapter(7).hex()))


@pytest.fixture(scope="module")
def followed(typeberry: Typeberry, state_peer: StatePeer, tmp_path_factory: pytest.TempPathFactory) -> LightNode:
    """A node that followed typeberry from genesis, with questions all the while, and was then interrupted.

    typeberry comes first, so it is asked for state first, which costs that connection; the other peer comes next.
    """
    folder = tmp_path_factory.mktemp("followed")
    chainspec = folder / "chainspec.json"
    typeberry.write_chainspec(chainspec, [typeberry.address, state_peer.address])
    questions = [part for question in QUESTIONS for part in ("--ask", question)]
    watched = [part for item in WATCHED for part in ("--watch", item)]
    node = LightNode(["--chain", str(chainspec), "--data", str(folder / "data"), *questions, *watched])
    with node:
        node.wait_until(
            lambda n: len(n.named("best")) >= BLOCKS and len(n.named("proved")) >= 2 * len(QUESTIONS),
            FOLLOW_S, "%d blocks and %d proved answers" % (BLOCKS, 2 * len(QUESTIONS)), state_peer,
        )
    assert node.returncode == 0, node.errors
    return node


def test_every_header_is_checked_and_sealed(followed: LightNode, state_peer: StatePeer) -> None:
    best = followed.named("best")
    assert followed.summary["headers_checked"] >= BLOCKS and followed.summary["headers_refused"] == 0
    # A header may come before the tickets that it is checked against are vouched for: it waits, and is never believed
    # meanwhile. In the end all are vouched for, which none is without its seal, but those with too little on top.
    assert {event["level"] for event in best} <= {"sealed", "vouched", "linked (pending)"}
    assert sum(event["level"] != "linked (pending)" for event in best) > len(best) // 2
    vouched = {event["hash"] for event in followed.named("vouched")}
    assert [event["slot"] for event in best[:-ADOPTED_WITHIN] if event["hash"] not in vouched] == []
    assert len({TINY.epoch(event["slot"]) for event in best}) >= EPOCHS
    assert {event["ticket"] for event in best} == {False, True}, "both kinds of seal"
    # No header was passed over, and each is the one that the other typeberry executed.
    theirs = {header.hash.hex(): header.slot for header in state_peer.headers}
    assert all(theirs[event["hash"]] == event["slot"] for event in best if event["hash"] in theirs)
    assert sum(event["hash"] in theirs for event in best) >= BLOCKS - ADOPTED_WITHIN
    heights = [event["slot"] for event in best]
    assert heights == sorted(set(heights))


def test_no_peer_is_lost_or_refused(followed: LightNode) -> None:
    # Eighteen tickets an epoch came on streams that a light client has no use for, and CE 129 cost a connection:
    # neither may cost the one that follows the chain.
    assert followed.errors == ""
    assert followed.named("refused") == [] and followed.lost == []


@pytest.mark.parametrize("kind", ["keys_adopted", "tickets_adopted"])
def test_every_mark_is_adopted_in_time(followed: LightNode, state_peer: StatePeer, kind: str) -> None:
    last = max(event["slot"] for event in followed.named("best"))
    order = [event.get("hash") for event in followed.events if event.get("event") == "best"]
    marks = [
        header.hash.hex()
        for header in state_peer.headers
        if (header.epoch_mark if kind == "keys_adopted" else header.tickets_mark)
        and header.slot + ADOPTED_WITHIN <= last
    ]
    assert len(marks) >= EPOCHS
    adopted = {event["hash"]: event for event in followed.named(kind)}
    assert set(marks) <= set(adopted)
    for mark in marks:
        at = followed.events.index(adopted[mark])
        known = sum(event.get("event") == "best" for event in followed.events[:at])
        # The header that brought the last author may be reported after what it brought.
        assert known - order.index(mark) <= ADOPTED_WITHIN
        vouched = [e for e in followed.events[: at + 1] if e.get("event") == "vouched"]
        assert mark in {event["hash"] for event in vouched}, "adopted at vouched and not before"


def test_state_roots_agree_with_the_headers(state_peer: StatePeer, typeberry: Typeberry) -> None:
    headers = state_peer.headers[-BLOCKS:]
    assert len(headers) >= BLOCKS - ADOPTED_WITHIN
    # The fuzz target executed each block; what it computed is what the next author signed …
    assert state_peer.mismatches == []
    # … and what the live node's RPC says of it.
    with JsonRpc(typeberry.rpc_port) as rpc:
        for before, after in zip(headers, headers[1:]):
            assert rpc.state_root(before.hash) == after.prior_state_root


@pytest.mark.parametrize("question", QUESTIONS)
def test_answers_are_typeberrys_state(
    followed: LightNode, state_peer: StatePeer, typeberry: Typeberry, question: str
) -> None:
    answers = [event for event in followed.named("proved") if event["question"] == question]
    assert len(answers) >= 2
    words = question.split()
    for answer in answers:
        header_hash = bytes.fromhex(answer["header"])
        state = state_peer.state(header_hash)
        assert state is not None
        assert answer["state_root"] == state_peer.roots[header_hash].hex()
        assert answer["level"] == "vouched" and 3 * answer["support"] > TINY.validators
        assert answer["peer"] == state_peer.address.split("@")[0]
        if words[0] == "range":
            start, end = bytes.fromhex(words[1]), bytes.fromhex(words[2])
            inside = [[key.hex(), value.hex()] for key, value in state if start <= key <= end]
            assert answer["entries"] == inside and len(inside) > 2
            assert answer["proved_to"] == end.hex()
        else:
            chapters = {"entropy": chapter(6), "slot": chapter(11)}
            key = chapters.get(words[0]) or bytes.fromhex(words[1])
            value = dict(state).get(key)
            assert answer["present"] == (value is not None)
            assert answer["value"] == (value.hex() if value is not None else None)
        assert answer["proof_bytes"] >= 64
    with JsonRpc(typeberry.rpc_port) as rpc:
        last = answers[-1]
        assert rpc.state_root(bytes.fromhex(last["header"])).hex() == last["state_root"]


@pytest.fixture
def data(tmp_path: "Path") -> str:
    """A fresh data folder."""
    return str(tmp_path / "data")


@pytest.fixture
def constant(state_peer: StatePeer) -> "Iterator[StatePeer]":
    """The state peer while it answers as typeberry's IPC socket does: no nodes, ffff0000 for every key."""
    state_peer.mode = CONSTANT
    yield state_peer
    state_peer.mode = PROVE


def test_typeberrys_constant_fake_is_refused(
    typeberry: Typeberry, constant: StatePeer, data: str, tmp_path: "Path"
) -> None:
    chainspec = tmp_path / "chainspec.json"
    typeberry.write_chainspec(chainspec, [constant.address])
    served = constant.served
    code, answer, errors = ask_state(["--chain", str(chainspec), "--data", data, "--seconds", "60", "entropy"])
    assert constant.served > served, "it did answer"
    assert (code, answer) == (1, {})
    assert errors.count("\n") == 1 and "no peer gave a proved answer" in errors and "Traceback" not in errors


def test_a_peer_that_serves_no_state_is_said_to(typeberry: Typeberry, data: str) -> None:
    # typeberry closes the connection on CE 129: the node goes on following, and says what is the matter.
    said = len(typeberry.process.output())
    with LightNode(["--chain", str(typeberry.chainspec), "--data", data, "--ask", "entropy"]) as node:
        node.wait_until(lambda n: len(n.named("unanswered")) >= 1, FOLLOW_S, "a question without an answer")
        reason = node.named("unanswered")[0]["reason"]
        before = len(node.named("best"))
        node.wait_until(lambda n: len(n.named("best")) >= before + 10, FOLLOW_S, "10 blocks after it")
    assert node.returncode == 0
    assert "unavailable upstream" in reason and reason.count("\n") == 0
    assert node.named("proved") == [] and node.lost == []
    assert node.summary["headers_refused"] == 0
    theirs = typeberry.process.output()[said:]
    assert "Unsupported stream kind" in theirs, "it was asked"
    assert "duplicate connection" not in theirs, "and on a connection that it had accepted"


def test_a_watch_list_is_typeberrys_state_proved_by_the_foreign_trie(
    followed: LightNode, state_peer: StatePeer
) -> None:
    changes = followed.named("watch_change")
    ranges = [(chapter(5), chapter(7)), (b"\x0d" + bytes(30), b"\x0d" + b"\xff" * 30)]
    keys = [chapter(6), chapter(11), VALIDATORS, ABSENT]
    states: "list[tuple[str, dict[bytes, dict[str, Any]]]]" = []
    for change in changes:
        if not states or states[-1][0] != change["header"]:
            states.append((change["header"], {}))
        states[-1][1][bytes.fromhex(change["key"])] = change
    # States that come faster than they are fetched are skipped: how many are told is a matter of the machine.
    assert len(followed.named("watch_ready")) == 1 and len(states) >= 3
    known: "dict[bytes, bytes | None]" = {}
    for header, told in states:
        kept = state_peer.state(bytes.fromhex(header))
        if kept is None:
            continue  # executed so long ago that the peer has forgotten it
        state = {key: value for key, value in kept
                 if key in keys or any(start <= key <= end for start, end in ranges)}
        for key, change in told.items():
            assert change["present"] == (key in state) and change["level"] == "vouched"
            known[key] = bytes.fromhex(change["value"]) if change["present"] else None
        assert {key: value for key, value in known.items() if value is not None} == state, "as it is, whole"
    assert known[ABSENT] is None and known[VALIDATORS] is not None and known[chapter(13)] is not None
    slots = [told[chapter(11)]["slot"] for _, told in states]
    assert slots == sorted(set(slots)), "the slot is in every state, and states come in order"
