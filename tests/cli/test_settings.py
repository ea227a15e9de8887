"""Where a value comes from, what the board allows, and the one line for everything that is wrong."""

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from jamliquor_lite.budget.profile import LINUX, Profile
from jamliquor_lite.cli import settings
from jamliquor_lite.cli.knobs import KNOBS
from jamliquor_lite.cli.main import main
from jamliquor_lite.errors import LocalError
from jamliquor_lite.p2p.identity import Identity

NAME = "e" + "a" * 52
PEER = NAME + "@127.0.0.1:40000"
LIBP2P = "/ip4/127.0.0.1/tcp/1/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
EXAMPLE = """\
[network]
listen_addr = "0.0.0.0"
listen_port = 30333
max_peers = 50
min_peers = 5
block_announce_timeout = 5000
transaction_timeout = 10000
state_sync_timeout = 30000
max_download_rate = 1048576
max_upload_rate = 524288

[network.bootstrap]
nodes = ["/ip4/127.0.0.1/tcp/30333/p2p/QmBootnode1", "/ip4/127.0.0.1/tcp/30334/p2p/QmBootnode2"]
"""


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    settings.add_network_arguments(parser)
    return parser.parse_args(words)


def load(*words: str, environ: "Mapping[str, str] | None" = None, board: Profile = LINUX) -> settings.Settings:
    return settings.load(arguments(*words), environ or {"HOME": "/nowhere"}, board)


def written(folder: Path, text: str) -> str:
    path = folder / "node.toml"
    path.write_text(text)
    return str(path)


def mistakes(folder: Path, text: str) -> list[str]:
    _, errors = settings.inspect(arguments("--config", written(folder, text)), {})
    return errors


def test_the_example_of_the_documentation_is_in_force(tmp_path: Path) -> None:
    found = load("--config", written(tmp_path, EXAMPLE))
    assert (found.listen_addr, found.listen_port, found.chain) == ("0.0.0.0", 30333, "dev")
    assert (found.profile.max_peers, found.profile.min_peers) == (50, 5)
    assert found.profile.block_announce_timeout_ms == 5_000
    assert found.profile.transaction_timeout_ms == 10_000
    assert found.profile.state_sync_timeout_ms == 30_000
    assert (found.profile.max_download_rate, found.profile.max_upload_rate) == (1_048_576, 524_288)
    assert found.peers == []
    assert len(found.warnings) == 2
    for number, warning in enumerate(found.warnings, 1):
        assert f"QmBootnode{number}" in warning and "skipped" in warning and "no peer id" in warning


def test_without_anything_the_board_decides() -> None:
    found = load()
    for name in ("max_peers", "min_peers", "block_announce_timeout_ms", "max_upload_rate"):
        assert getattr(found.profile, name) == getattr(LINUX, name)
    assert found.chain == "dev" and found.listen_port == 0 and not found.warnings
    assert all(source in ("default", "board linux") for _, _, source in found.values)


def test_the_board_s_own_profile_is_not_touched(tmp_path: Path) -> None:
    before = LINUX.max_peers
    load("--max-peers", "7")
    assert LINUX.max_peers == before


def test_precedence_file_environment_flag(tmp_path: Path) -> None:
    path = written(tmp_path, "[network]\nlisten_port = 1\nmax_peers = 11\nmin_peers = 1\n")
    environ = {"JAMLIQUOR_LISTEN_PORT": "2", "JAMLIQUOR_MAX_PEERS": "12"}
    found = load("--config", path, "--listen-port", "3", environ=environ)
    assert (found.listen_port, found.profile.max_peers, found.profile.min_peers) == (3, 12, 1)
    sources = {name: source for name, _, source in found.values}
    assert sources["network.listen_port"] == "--listen-port"
    assert sources["network.max_peers"] == "JAMLIQUOR_MAX_PEERS"
    assert sources["network.min_peers"] == path


SAMPLES = {
    "listen_addr": "127.0.0.9",
    "listen_port": "4242",
    "max_peers": "9",
    "min_peers": "2",
    "block_announce_timeout": "4000",
    "transaction_timeout": "4001",
    "state_sync_timeout": "4002",
    "max_download_rate": "4003",
    "max_upload_rate": "4004",
    "nodes": PEER,
    "listen": "/ip4/127.0.0.1/tcp/4005",
    "pq": "prefer",
    "crypto": "lean,mlkem768=pure",
    "chain": "dev",
    "data": "/somewhere",
    "key": "/somewhere/key",
    "board": "raspberry-pi-zero-2w",
    "cpu_percent": "40",
    "memory_mb": "600",
    "day_cap": "50000000",
    "month_cap": "900000000",
    "mode": "idle",
}


@pytest.mark.parametrize("knob", [knob for knob in KNOBS if knob.key in SAMPLES], ids=lambda knob: knob.key)
def test_every_value_can_be_set_in_all_three_places(knob, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    text = SAMPLES[knob.key]
    quoted = f'["{text}"]' if knob.key in ("nodes", "listen") else text if text.isdigit() else f'"{text}"'
    path = written(tmp_path, f"[{knob.table}]\n{knob.key} = {quoted}\n")
    seen = []
    for found in (load("--config", path), load(environ={knob.variable: text}), load(knob.flag, text)):
        (value,) = [value for name, value, _ in found.values if name == knob.name]
        seen.append(",".join(value) if isinstance(value, list) else str(value))
    assert seen == [text] * 3


def test_who_attests_are_the_peers_that_are_named_by_their_keys(tmp_path: Path) -> None:
    assert {knob.key for knob in KNOBS} - set(SAMPLES) == {"attest"}
    chain = tmp_path / "chain.json"
    chain.write_text("{}")
    named = [f"/ip4/192.0.2.{number}/tcp/4001/p2p/{Identity(bytes([number]) * 32).name}" for number in range(1, 4)]
    flags = [word for text in named for word in ("--peer", text)]
    twice = ["--peer", named[0].replace("192.0.2.1", "192.0.2.9")]  # another place of the same peer
    rest = ["--chain", str(chain), *flags, *twice, "--peer", PEER]  # and one that is on JAM's own network
    path = written(tmp_path, '[network]\nattest = "2/3"\n')
    for found in (load("--config", path, *rest), load(*rest, environ={"JAMLIQUOR_ATTEST": "2/3"}),
                  load("--attest", "2/3", *rest)):
        assert found.attest == (2, 3) and found.pinned() == [text.rpartition("/")[2] for text in named]
        assert ("network.attest", "2/3") in [(name, value) for name, value, _ in found.values]
    assert load("--chain", str(chain)).attest is None

    def wrong(*words: str) -> str:
        with pytest.raises(LocalError) as error:
            load(*words)
        return str(error.value)

    assert "3 peers are named" in wrong("--attest", "3/4", *rest)
    assert "0 peers are named" in wrong("--attest", "2/3", "--chain", str(chain), "--peer", PEER)
    assert "embedded chain" in wrong("--attest", "2/3", *flags)
    assert "no room for as many" in wrong("--attest", "2/3", "--max-peers", "2", "--min-peers", "1", *rest)
    for policy in ("1/3", "2/4", "4/3", "2", "2/2", "a/b", "32/64"):
        assert "more than half" in wrong("--attest", policy, *rest)


def test_peers_of_the_environment_and_of_flags() -> None:
    other = PEER.replace("40000", "40001")
    assert [peer.text for peer in load(environ={"JAMLIQUOR_PEERS": f"{PEER}, {other}"}).peers] == [PEER, other]
    assert [peer.port for peer in load("--peer", PEER, "--peer", other).peers] == [40000, 40001]


def test_a_peer_named_twice_is_used_once() -> None:
    found = load("--peer", PEER, "--peer", PEER)
    assert [peer.text for peer in found.peers] == [PEER]
    assert len(found.warnings) == 1 and "named twice" in found.warnings[0]


def test_a_good_multiaddr_is_a_peer() -> None:
    found = load("--peer", LIBP2P)
    assert [address.text for address in found.libp2p_peers] == [LIBP2P] and found.warnings == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (LIBP2P.replace("/tcp/", "/udp/").replace("/p2p/", "/quic-v1/p2p/"), "it is for quic-v1"),
        (LIBP2P + "/p2p-circuit/p2p/" + LIBP2P.rpartition("/")[2], "relay"),
        (LIBP2P.rpartition("/p2p/")[0], "names no peer"),
    ],
)
def test_a_multiaddr_that_cannot_be_dialed_is_skipped_with_its_reason(text: str, why: str) -> None:
    found = load("--peer", text)
    assert found.libp2p_peers == [] and why in found.warnings[0]


@pytest.mark.parametrize("text", ["/dns4/example.org/tcp/1", "/ip4/127.0.0.1/udp/1", LIBP2P, "127.0.0.1:4001"])
def test_what_cannot_be_listened_on_is_one_line(text: str) -> None:
    with pytest.raises(LocalError, match="--listen") as caught:
        load("--listen", text)
    assert caught.value.exit_code == 2 and "\n" not in str(caught.value)


def test_paths_of_a_file_are_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "chain.json").write_text("{}")
    found = load("--config", written(tmp_path, '[node]\nchain = "chain.json"\ndata = "state"\n'))
    assert found.chain == str(tmp_path / "chain.json")
    assert found.data_dir == str(tmp_path / "state")
    assert found.key_file == str(tmp_path / "state" / "node.key")


def test_the_data_folder_follows_xdg() -> None:
    assert load(environ={"XDG_DATA_HOME": "/x"}).data_dir == "/x/jamliquor-lite"
    assert settings.default_key_file({"XDG_DATA_HOME": "/x"}) == "/x/jamliquor-lite/node.key"
    assert settings.default_key_file({"JAMLIQUOR_DATA": "/d"}) == "/d/node.key"
    assert settings.default_key_file({"JAMLIQUOR_KEY": "/k"}) == "/k"


def test_the_file_may_be_named_by_the_environment(tmp_path: Path) -> None:
    path = written(tmp_path, "[network]\nlisten_port = 5\n")
    assert load(environ={"JAMLIQUOR_CONFIG": path}).listen_port == 5


class Small(Profile):
    name = "small"
    max_peers = inbound_peers = min_peers = 4
    peers_ceiling = 4
    max_download_rate = 20_000
    cpu_permille = 300
    memory_bytes = 600 << 20
    day_bytes = 100_000_000


def test_the_board_is_a_ceiling() -> None:
    found = load("--max-peers", "5", "--max-download-rate", "20001", board=Small())
    assert (found.profile.max_peers, found.profile.max_download_rate) == (4, 20_000)
    assert len(found.warnings) == 2
    assert "max_peers = 5 is more than the board small allows: 4 is in force" in found.warnings[0]


def test_no_cap_is_more_than_a_board_with_a_cap_allows() -> None:
    found = load("--max-download-rate", "0", board=Small())
    assert found.profile.max_download_rate == 20_000 and len(found.warnings) == 1


@pytest.mark.parametrize(
    ("flag", "text", "field", "ceiling", "said"),
    [
        ("--cpu-percent", "31", "cpu_permille", 300, "cpu_percent = 31 is more than the board small allows: 30 is"),
        ("--memory-mb", "601", "memory_bytes", 600 << 20, "memory_mb = 601 is more than the board small allows: 600"),
        ("--day-cap", "101 MB", "day_bytes", 100_000_000, "day_cap = 101000000 is more than the board small allows"),
        ("--day-cap", "0", "day_bytes", 100_000_000, "day_cap = 0 is more than the board small allows"),
    ],
)
def test_the_board_is_a_ceiling_of_budgets_too(flag: str, text: str, field: str, ceiling: int, said: str) -> None:
    found = load(flag, text, board=Small())
    assert getattr(found.profile, field) == ceiling
    assert len(found.warnings) == 1 and said in found.warnings[0]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("100000", 100_000),
        ("200 MB", 200_000_000),
        ("200mb", 200_000_000),
        ("1 GB", 10**9),
        ("1 GiB", 1 << 30),
        ("500 kB", 500_000),
        ("2M", 2_000_000),
        ("1 TB", 10**12),
    ],
)
def test_caps_may_have_units(text: str, count: int) -> None:
    assert load("--month-cap", text).profile.month_bytes == count


@pytest.mark.parametrize("text", ["", "1", "99 kB", "2 TB", "200 XB", "200 ibs", "-1", "1.5 GB", "9" * 4000, "MB"])
def test_a_cap_that_is_none_is_one_line(text: str) -> None:
    with pytest.raises(LocalError, match=r"must be 0 \(no cap\) or 100 kB to 1 TB") as caught:
        load("--day-cap", text)
    assert caught.value.exit_code == 2 and len(str(caught.value)) < 300


def test_a_named_board_brings_its_numbers(tmp_path: Path) -> None:
    found = load("--board", "raspberry-pi-zero-2w", "--max-peers", "100")
    assert found.board is not None and found.board.name == found.profile.name == "raspberry-pi-zero-2w"
    assert found.profile.frames == found.board.profile["frames"] < LINUX.frames
    assert found.profile.max_peers == found.board.profile["peers_ceiling"]
    assert "the board raspberry-pi-zero-2w allows: 16 is in force" in found.warnings[0]
    assert ("network.max_upload_rate", 131072, "board raspberry-pi-zero-2w") in found.values


def test_a_board_of_one_s_own_is_named_by_its_path(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "boards" / "raspberry-pi-zero-2w" / "board.toml").read_text()
    folder = tmp_path / "boards" / "mine"
    folder.mkdir(parents=True)
    (folder / "board.toml").write_text(text.replace('name = "raspberry-pi-zero-2w"', 'name = "mine"'))
    assert load("--board", str(folder)).profile.name == "mine"
    beside = load("--config", written(tmp_path, '[node]\nboard = "boards/mine/board.toml"\n'))
    assert beside.profile.name == "mine"  # relative to the file that says it
    by_name = load("--config", written(tmp_path, '[node]\nboard = "raspberry-pi-zero-2w"\n'))
    assert by_name.profile.name == "raspberry-pi-zero-2w"


def test_what_a_board_has_no_link_for_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).parents[2] / "boards" / "raspberry-pi-zero-2w" / "board.toml").read_text()
    (tmp_path / "mine").mkdir()
    text = text.replace('name = "raspberry-pi-zero-2w"', 'name = "mine"')
    text = text.replace("quic = true\nwifi = true\nserial = true", "quic = false\nwifi = true\nserial = false")
    (tmp_path / "mine" / "board.toml").write_text(text)
    board = ("--board", str(tmp_path / "mine"))
    serial = "/serial/ttyUSB0/p2p/" + LIBP2P.rpartition("/")[2]
    for words, said in (
        (("--peer", PEER), f'--peer: "{PEER}": the board mine has no quic link'),
        (("--peer", serial), f'--peer: "{serial}": the board mine has no serial link'),
        (("--listen", "/serial/ttyUSB0"), '--listen: "/serial/ttyUSB0": the board mine has no serial link'),
    ):
        with pytest.raises(LocalError) as caught:
            load(*board, *words)
        assert caught.value.exit_code == 2 and str(caught.value) == said
    for words, said in (
        (("--upstream", PEER), "has no quic link"), (("--serial", "ttyUSB0"), "has no serial link"),
    ):
        assert main(["gateway", *board, "--chain", str(tmp_path / "mine" / "board.toml"), *words]) == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1 and said in err
    assert load(*board, "--peer", LIBP2P).libp2p_peers


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pico", "pico is a microcontroller: `tools/firmware build pico` makes its firmware"),
        ("raspberry-pi", "no board is called 'raspberry-pi'; did you mean raspberry-pi-4? there are "),
        ("qemu-virt-rv32-264k", "is a microcontroller: `tools/firmware build qemu-virt-rv32-264k`"),
        ("/nowhere/board.toml", "/nowhere/board.toml: no such file"),
        ("", "must be the name of a board, or the path of a board.toml"),
    ],
)
def test_a_board_that_is_none_is_one_line(text: str, said: str) -> None:
    with pytest.raises(LocalError, match="--board") as caught:
        load("--board", text)
    assert caught.value.exit_code == 2 and said in str(caught.value) and "\n" not in str(caught.value)


def test_who_serves_has_room_for_as_many_as_the_board_allows() -> None:
    found, errors = settings.inspect(arguments("--board", "raspberry-pi-zero-2w"), {}, serves=True)
    assert errors == [] and (found.profile.max_peers, found.profile.inbound_peers) == (16, 13)
    alone = load("--board", "raspberry-pi-zero-2w").profile
    assert (alone.max_peers, alone.inbound_peers) == (8, 5)


def test_below_the_ceiling_the_person_decides() -> None:
    found = load("--max-peers", "3", "--max-download-rate", "10000", board=Small())
    assert (found.profile.max_peers, found.profile.max_download_rate) == (3, 10_000)
    assert not found.warnings


def test_few_peers_lower_what_the_board_would_look_for() -> None:
    board = Profile()
    board.min_peers = 3
    found = load("--max-peers", "2", board=board)
    assert (found.profile.min_peers, found.profile.max_peers) == (2, 2)


@pytest.fixture
def folder() -> Iterator[Path]:
    """One with a short name: of a long value only the beginning is shown."""
    with tempfile.TemporaryDirectory(prefix="jl-") as name:
        yield Path(name)


@pytest.mark.parametrize(
    ("text", "place", "allowed"),
    [
        ("[network]\nlisten_port = 65536", "[network] listen_port = 65536", "0 to 65535"),
        ("[network]\nlisten_port = -1", "[network] listen_port = -1", "0 to 65535"),
        ("[network]\nlisten_port = true", "[network] listen_port = true", "0 to 65535"),
        ('[network]\nlisten_port = "30333"', '[network] listen_port = "30333"', "0 to 65535"),
        ("[network]\nlisten_port = 1.5", "[network] listen_port = 1.5", "0 to 65535"),
        ("[network]\nlisten_port = [1]", "[network] listen_port = [1]", "0 to 65535"),
        ('[network]\nlisten_addr = "localhost"', 'listen_addr = "localhost"', "must be an IP address"),
        ("[network]\nlisten_addr = 7", "listen_addr = 7", "must be an IP address"),
        ("[network]\nmax_peers = 0", "max_peers = 0", "1 to 100000"),
        ("[network]\nmax_peers = 3\nmin_peers = 4", "min_peers = 4", "must not exceed max_peers = 3"),
        ("[network]\nmin_peers = 40", "min_peers = 40", "must not exceed max_peers = 16 (board linux)"),
        ("[network]\nblock_announce_timeout = 0", "block_announce_timeout = 0", "100 to 3600000 milliseconds"),
        ("[network]\nstate_sync_timeout = 9999999", "state_sync_timeout = 9999999", "100 to 3600000"),
        ("[network]\ntransaction_timeout = 99", "transaction_timeout = 99", "100 to 3600000"),
        ("[network]\nmax_upload_rate = 1", "max_upload_rate = 1", "0 (no cap) or 1500 to"),
        ("[network]\nmax_upload_rate = -5", "max_upload_rate = -5", "0 (no cap) or 1500 to"),
        ("[budget]\ncpu_percent = 0", "cpu_percent = 0", "must be a whole number, 1 to 100"),
        ("[budget]\nmemory_mb = 15", "memory_mb = 15", "16 to 1000000"),
        ("[budget]\nday_cap = 5", "day_cap = 5", '100 kB to 1 TB, such as "200 MB"'),
        ('[budget]\nday_cap = "a lot"', 'day_cap = "a lot"', "100 kB to 1 TB"),
        ("[budget]\nday_cap = true", "day_cap = true", "100 kB to 1 TB"),
        ('[budget]\nmode = "fast"', 'mode = "fast"', "must be `auto`, `full`, `idle` or `epoch`"),
        ("[budget]\nmode = 1", "mode = 1", "must be `auto`, `full`, `idle` or `epoch`"),
        ("[budget]\nmodes = 1", "[budget] modes: no such key", "do you mean `mode`?"),
        ("[node]\nboard = 1", "[node] board = 1", "must be the name of a board"),
        ('[node]\nboard = "x"', "board: no board is called 'x'", "there are milkv-duo, qemu-virt-aarch64, "),
        ("[network]\nlisten_prot = 1", "[network] listen_prot: no such key", "do you mean `listen_port`?"),
        ("[network]\nqqqq = 1", "[network] qqqq: no such key", "known are attest, block_announce_timeout, bootstrap"),
        ("[networks]\nlisten_port = 1", "networks: no such table", "do you mean `network`?"),
        ("listen_port = 1", "listen_port: no such key", "it belongs in [network]"),
        ("network = 1", "network = 1", "must be a table, [network]"),
        ("[network]\nbootstrap = 1", "[network] bootstrap = 1", "must be a table, [network.bootstrap]"),
        ("[network]\nnodes = []", "[network] nodes: no such key", "it belongs in [network.bootstrap]"),
        ('[network.bootstrap]\nnodes = "x"', '[network.bootstrap] nodes = "x"', "must be a list"),
        ("[network.bootstrap]\nnodes = [1]", "nodes = [1]", "must be a list of at most 256"),
        ('[network.bootstrap]\nnodes = ["x"]', '[network.bootstrap] nodes: "x"', "a JAM address is `e`"),
        ('[network.bootstrap]\nnodes = ["/ip4/1.2.3.4/tcp/0"]', "/tcp/0", "must be 1 to 65535"),
        ("[network.bootstrap]\nnodez = []", "nodez: no such key", "do you mean `nodes`?"),
        ('[node]\nchain = ""', 'chain = ""', 'must be "dev" or the path'),
        ('[node]\nchain = "absent.json"', "absent.json", "no such file; allowed is `dev`"),
        ("[node]\ndata = 1", "[node] data = 1", "must be a path"),
        ("[network", "", "not TOML: "),
        ("a = 1\na = 2", "", "not TOML: "),
        ("a = " + "[" * 5000, "", "not TOML: "),
        ("# " + "x" * 300_000, "", "longer than 262144 bytes"),
    ],
)
def test_each_wrong_file_gets_one_line_that_says_all(folder: Path, text: str, place: str, allowed: str) -> None:
    errors = mistakes(folder, text)
    assert len(errors) == 1
    assert place in errors[0] and allowed in errors[0]
    assert "node.toml" in errors[0] or "board linux" in errors[0]
    with pytest.raises(LocalError) as caught:
        load("--config", written(folder, text))
    assert caught.value.exit_code == 2 and str(caught.value) == errors[0]


def test_too_many_nodes_are_refused(tmp_path: Path) -> None:
    (error,) = mistakes(tmp_path, f"[network.bootstrap]\nnodes = {['x'] * 257}")
    assert "at most 256" in error and len(error) < 400


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "node.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LocalError, match="not UTF-8 text"):
        load("--config", str(path))


@pytest.mark.parametrize("name", ["absent.toml", "."])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(LocalError, match="cannot read the configuration") as caught:
        load("--config", str(tmp_path / name))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("words", "environ", "said"),
    [
        (["--listen-port", "x"], {}, '--listen-port "x": must be a whole number, 0 to 65535'),
        (["--listen-port", "1_000"], {}, '--listen-port "1_000": must be'),
        (["--listen-port", " 1"], {}, '--listen-port " 1": must be'),
        (["--listen-port", "9" * 5000], {}, "must be a whole number, 0 to 65535"),
        ([], {"JAMLIQUOR_LISTEN_PORT": "70000"}, 'JAMLIQUOR_LISTEN_PORT="70000": must be a whole number'),
        ([], {"JAMLIQUOR_PEERS": "me"}, 'JAMLIQUOR_PEERS: "me": a JAM address is'),
        (["--peer", "me"], {}, '--peer: "me": a JAM address is'),
        (["--chain", "absent"], {}, '--chain: chain = "absent": no such file'),
        (["--data", ""], {}, '--data "": must be a path'),
    ],
)
def test_wrong_flags_and_variables(words: list[str], environ: dict[str, str], said: str) -> None:
    with pytest.raises(LocalError) as caught:
        load(*words, environ=environ)
    assert caught.value.exit_code == 2
    assert said in str(caught.value) and len(str(caught.value)) < 400


def test_all_mistakes_are_counted() -> None:
    with pytest.raises(LocalError, match="and 2 more: `jamliquor-lite config check`"):
        load("--listen-port", "x", "--max-peers", "y", "--chain", "absent")


def test_a_variable_that_is_not_ours_is_named() -> None:
    found = load(environ={"JAMLIQUOR_LISTEN_PROT": "1", "JAMLIQUOR_TRACEBACK": "1"})
    assert len(found.warnings) == 1
    assert "JAMLIQUOR_LISTEN_PROT" in found.warnings[0] and "JAMLIQUOR_LISTEN_PORT" in found.warnings[0]


def test_an_empty_variable_is_not_set() -> None:
    assert load(environ={"JAMLIQUOR_LISTEN_PORT": ""}).listen_port == 0
