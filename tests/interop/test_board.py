"""The board of tests/heap, a 32-bit MicroPython with a capped heap, dials peers that others wrote."""

import pytest

from tests.heap.bars import DIALS
from tests.heap.board import Board, NoBoard

from .libp2p_peers import Peer, require

pytestmark = pytest.mark.interop

BARS = dict(DIALS)


@pytest.fixture(scope="module")
def board() -> Board:
    """Built on demand; a skip that says why where gcc makes no 32-bit programs."""
    try:
        return Board()
    except NoBoard as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(("suite", "kind"), [("plain", "js"), ("plain", "go"), ("plain", "rust"), ("hybrid", "pq")])
def test_a_board_dials_pings_and_identifies_a_foreign_peer(board: Board, suite: str, kind: str) -> None:
    require(kind)
    with Peer(kind) as peer:
        port = peer.address.split("/tcp/")[1].split("/")[0]
        ended = board.step(BARS[suite], "dial", suite, port)
    assert ended.status == 0, ended.text
    assert ended.figures["identify protocols"] > 0 and ended.figures["rtt"] >= 0
