"""Our own libp2p stack against js-libp2p, py-libp2p, rust-libp2p and go-libp2p: each dials the other, they identify,
ping, and move 16 MiB both ways, checked by hash. The hybrid handshake against its second implementation likewise."""

import pytest

from .foreign import ForeignError
from .libp2p_install import HYBRID
from .libp2p_peers import Peer, dial, require
from .test_libp2p_peers import AGENTS, SERVED

pytestmark = pytest.mark.interop

SIZE = 16 * 1024 * 1024
PLAIN = "/noise"
YAMUX = "/yamux/1.0.0"
AGENT = "jamliquor-lite"
FOREIGN = ("js", "py", "rust", "go")
SAYS_S = 60.0
OURS = SERVED | {"/ipfs/id/push/1.0.0"}
BOTH = "--security=hybrid,noise"


def check(report: dict) -> None:
    """What a dialer reports of identify, ping and the bytes, whoever it is."""
    assert set(report["protocols"]) >= SERVED
    assert len(report["ping_ms"]) == 5 and all(ms > 0 for ms in report["ping_ms"])
    assert report["sink_ok"] is True and report["source_ok"] is True


@pytest.mark.parametrize("kind", FOREIGN)
def test_we_dial(kind: str) -> None:
    require(kind)
    with Peer(kind) as peer:
        report = dial("ours", peer.address, SIZE)
    check(report)
    assert report["agent"] == AGENTS[kind]
    # They have no hybrid handshake, so `prefer` falls back in the open.
    assert (report["security"], report["suite"], report["is_bound"]) == (PLAIN, "classical", False)


@pytest.mark.parametrize("kind", FOREIGN)
def test_they_dial(kind: str) -> None:
    require(kind)
    with Peer("ours") as peer:
        report = dial(kind, peer.address, SIZE)
    check(report)
    assert report["agent"] == AGENT and set(report["protocols"]) == OURS
    assert report.get("security", PLAIN) == PLAIN and report.get("muxer", YAMUX) == YAMUX


def test_we_dial_the_second_hybrid() -> None:
    require("pq")
    with Peer("pq", "--bind") as peer:
        report = dial("ours", peer.address, SIZE, "--pq=require")
    check(report)
    assert report["agent"] == AGENTS["pq"]
    assert (report["security"], report["suite"], report["is_bound"]) == (HYBRID, "hybrid", True)


def test_the_second_hybrid_dials_us() -> None:
    require("pq")
    with Peer("ours", "--pq=require") as peer:
        report = dial("pq", peer.address, SIZE, "--bind")
    check(report)
    assert report["security"] == HYBRID and report["agent"] == AGENT


def test_a_peer_that_binds_nothing_is_an_older_one() -> None:
    require("pq")
    with Peer("pq") as peer:
        report = dial("ours", peer.address, 1, "--pq=require")
    assert (report["security"], report["is_bound"]) == (HYBRID, False)


def test_a_name_that_was_struck_out_is_missed() -> None:
    require("pq")
    # Each of the two says that it would rather have had the plain handshake, which the other one has too.
    with Peer("pq", BOTH, "--bind=noise,hybrid") as peer:
        assert dial("ours", peer.address, 1)["is_bound"] is True, "only the dialer's order counts"
    with Peer("ours", "--pq=prefer") as peer:
        assert dial("pq", peer.address, 1, BOTH, "--bind")["security"] == HYBRID
        with pytest.raises(ForeignError):
            dial("pq", peer.address, 1, BOTH, "--bind=noise,hybrid")
        peer.process.wait_for("REFUSED transcript: the offers of both sides lead to %s, but this is" % PLAIN, SAYS_S)


@pytest.mark.parametrize("kind", FOREIGN)
def test_require_refuses_a_peer_without_the_hybrid(kind: str) -> None:
    require(kind)
    with Peer(kind) as peer, pytest.raises(ForeignError, match="policy: the peer has no post-quantum handshake"):
        dial("ours", peer.address, 1, "--pq=require")
    with Peer("ours", "--pq=require") as peer:
        with pytest.raises(ForeignError, match="^the %s peer: peer: " % kind):
            dial(kind, peer.address, 1)
        peer.process.wait_for("REFUSED policy: the peer offers only %s, and pq = require" % PLAIN, SAYS_S)


@pytest.mark.parametrize("kind, key", [("js", "rsa"), ("js", "secp256k1"), ("go", "ecdsa")])
def test_identities_of_other_types(kind: str, key: str) -> None:
    require(kind)
    with Peer(kind, "--key=" + key) as peer:
        assert dial("ours", peer.address, 1)["sink_ok"] is True


def test_the_small_libraries_do_the_same() -> None:
    require("pq")
    with Peer("pq") as peer:
        check(dial("ours", peer.address, SIZE, "--crypto=lean"))
    with Peer("ours", "--crypto=lean") as peer:
        check(dial("pq", peer.address, SIZE))
