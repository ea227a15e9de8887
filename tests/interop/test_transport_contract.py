"""The transport contract of libp2p's unified-testing, over our own stack: with js-libp2p both ways, and with itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .foreign import ForeignError
from .libp2p_install import Program, install_js
from .libp2p_peers import require
from .redis_server import Redis
from .transport_contract import environment, meet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.interop

OURS = Program([sys.executable, str(Path(__file__).with_name("transport_app.py"))])
LIMIT_S = 120


@pytest.fixture(scope="module")
def redis() -> "Iterator[Redis]":
    with Redis() as server:
        yield server


def with_settings(**settings: str) -> Program:
    """Our application, with some settings other than the harness gives."""
    return Program(["/usr/bin/env", *["%s=%s" % item for item in settings.items()], *OURS.argv])


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("dialer, listener", [("ours", "js"), ("js", "ours"), ("ours", "ours")])
def test_the_applications_meet(redis: Redis, dialer: str, listener: str, older: bool, tmp_path: Path) -> None:
    if "js" in (dialer, listener):
        require("js")
    programs = {name: OURS if name == "ours" else install_js("transport.mjs") for name in {dialer, listener}}
    whole_ms, ping_ms = meet(redis, programs[listener], programs[dialer], tmp_path, older)
    assert 0 < ping_ms < whole_ms


def test_the_hybrid_handshake_under_a_name_of_ours(redis: Redis, tmp_path: Path) -> None:
    hybrid = with_settings(SECURE_CHANNEL="hybrid")
    whole_ms, ping_ms = meet(redis, hybrid, hybrid, tmp_path)
    assert 0 < ping_ms < whole_ms
    # The harness's word for the plain one leads to that and nothing else.
    with pytest.raises(ForeignError, match="transport: noise: the peer speaks none of /noise$"):
        meet(redis, hybrid, OURS, tmp_path)


def test_a_listener_on_all_addresses_names_one_that_reaches_it(redis: Redis, tmp_path: Path) -> None:
    meet(redis, with_settings(LISTENER_IP="0.0.0.0"), OURS, tmp_path)


@pytest.mark.parametrize(
    "settings, said",
    [({"MUXER": "mplex"}, "no tcp noise mplex here"), ({"TRANSPORT": "quic-v1"}, "no quic-v1 noise yamux here"),
     ({"SECURE_CHANNEL": "tls"}, "no tcp tls yamux here"), ({"TEST_TIMEOUT_SECS": "1"}, "redis: nothing in ")],
)
def test_what_cannot_be_done_is_said(redis: Redis, settings: "dict[str, str]", said: str) -> None:
    given = {**os.environ, **environment(redis, True, "nobody"), **settings}
    done = subprocess.run(
        OURS.argv, env=given, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("transport: " + said)
