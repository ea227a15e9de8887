"""One live typeberry, and one peer beside it that serves its states, for all tests of this folder."""

import pytest

from .state_peer import StatePeer
from .typeberry import Typeberry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="package")
def typeberry() -> "Iterator[Typeberry]":
    """A tiny network of typeberry, making blocks until the last test of this folder is over."""
    with Typeberry() as node:
        yield node


@pytest.fixture(scope="package")
def state_peer(typeberry: Typeberry) -> "Iterator[StatePeer]":
    """The peer of state_peer.py, in front of that network."""
    with StatePeer(typeberry) as peer:
        yield peer
        assert peer.error is None, peer.error
