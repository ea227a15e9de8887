"""The command `board`: what it prints is what the board's file says, and every mistake is one line."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jamliquor_lite.cli import boards
from jamliquor_lite.cli.main import main

NAME = "raspberry-pi-zero-2w"
MCU = "qemu-virt-rv32-264k"
PORTS = ("--listen", "/ip4/0.0.0.0/tcp/30334", "--listen-port", "30333")


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["board", *words]) == 0
    return capsys.readouterr().out


def test_boards_are_listed_with_how_far_each_was_tried(capsys: pytest.CaptureFixture[str]) -> None:
    head, *lines = printed(capsys, "list").splitlines()
    assert head.split()[0] == "BOARD" and head.split()[-1] == "TRIED"
    found = {line.split()[0]: line for line in lines}
    assert sorted(found) == boards.names() and len(found) >= 13
    assert re.search(r"4 x aarch64 1000 MHz +512 MB +128 MiB +wifi, quic, serial +wheel +ssh, image", found[NAME])
    assert re.search(r"rv32imac 150 MHz +264 KB .* ethernet, serial +firmware +qemu +emulated$", found[MCU])
    for name, line in found.items():
        assert line.endswith(boards.find(name).tried)


def test_the_list_as_json_has_every_number(capsys: pytest.CaptureFixture[str]) -> None:
    found = {board["name"]: board for board in json.loads(printed(capsys, "list", "--json"))}
    assert sorted(found) == boards.names()
    assert found[MCU] == json.loads(printed(capsys, "show", MCU, "--json"))
    assert found[MCU]["tables"]["memory"]["ram_kb"] == 264 and found[MCU]["vrf"] == "firmware"
    firmware, tree = found[MCU]["flash"]["firmware"], found[MCU]["flash"]["tree"]
    assert firmware["offset"] == 0 and tree["offset"] + tree["bytes"] <= 2048 * 1024
    assert found[NAME]["profile"]["memory_bytes"] == 128 << 20


def test_a_board_is_shown_with_what_to_do_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    for name in boards.names():
        board = boards.find(name)
        text = printed(capsys, "show", name)
        for number, step in enumerate(board.texts("steps")):
            assert f"{number + 1}. {step}\n" in text
        assert f"  role        {board.role}, VRF: {board.vrf}\n" in text
    assert "MemoryMax 152 MiB, CPUQuota 50 %" in printed(capsys, "show", NAME)


def test_a_check_shows_the_sum(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "check", MCU).splitlines()
    numbers = [int(line.split()[0]) for line in lines[1:-1]]
    assert sum(numbers[:-1]) == numbers[-1] <= 1024 * boards.find(MCU).number("memory", "heap_kb")
    assert lines[-1].startswith(f"{MCU}: fits; memory: code ") and f" = {numbers[-1]} of " in lines[-1]
    (found,) = json.loads(printed(capsys, "check", MCU, "--json"))
    assert found["mistakes"] == [] and found["memory"]["run"]["all"] == numbers[-1]


def test_all_boards_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["check"], ["check", "--all"]):
        assert [line.split(":")[0] for line in printed(capsys, *words).splitlines()] == boards.names()


def test_a_check_tells_every_mistake_of_every_board(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / MCU / "board.toml"
    path.parent.mkdir()
    text = Path(boards.path_of(MCU)).read_text()
    path.write_text(text.replace('vrf = "firmware"', 'vrf = "none"').replace("fs_kb = 128", "fs_kb = 1280"))
    assert main(["board", "check", str(path.parent), NAME]) == 2
    out, err = capsys.readouterr()
    assert [line.split(":")[0] for line in out.splitlines()] == [NAME]
    areas, role = err.splitlines()
    assert areas.startswith(f"jamliquor-lite: {path}: flash: the firmware and the areas together are larger")
    assert role.startswith(f"jamliquor-lite: {path}: role: 'lite' needs a VRF in machine code, and vrf is 'none'")
    assert main(["board", "check", str(path), "--json"]) == 2
    (found,) = json.loads(capsys.readouterr().out)
    assert len(found["mistakes"]) == 2 and found["memory"] == {}


def test_the_unit_has_the_board_s_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    board = boards.find(NAME)
    text = printed(capsys, "unit", NAME, *PORTS, "--program", "/bin/sh")
    lines = text.splitlines()
    memory = board.profile["memory_bytes"] + (board.number("stops", "kernel_mb") << 20)
    for line in (
        f"MemoryMax={memory}",
        f"CPUQuota={board.number('stops', 'cpu_percent')}%",
        f"TasksMax={board.number('stops', 'tasks')}",
        f"LimitNOFILE={board.number('stops', 'files')}",
        f"ExecStart=/bin/sh run --board {NAME} --listen-port 30333 --listen /ip4/0.0.0.0/tcp/30334",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "ExecStartPre=+/usr/sbin/nft -f /etc/jamliquor-lite/firewall.nft",
        "PrivateDevices=yes",
    ):
        assert line in lines


def test_the_unit_follows_the_owner_s_lower_caps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "no de.toml"
    config.write_text('[budget]\nmemory_mb = 120\n[network]\nmax_peers = 8\nlisten = ["/serial/ttyUSB0"]\n')
    words = ["unit", NAME, "--config", str(config), "--role", "gateway", "--program", "/bin/sh"]
    lines = printed(capsys, *words).splitlines()
    assert f"MemoryMax={(120 + 24) << 20}" in lines
    assert f'ExecStart=/bin/sh gateway --board {NAME} --config "{config}"' in lines
    assert "DeviceAllow=char-ttyUSB rw" in lines and "PrivateDevices=yes" not in lines
    assert not any("nft" in line for line in lines)  # no port is known that rules could guard


def test_the_node_runs_without_memory_that_is_written_and_executed() -> None:
    """MemoryDenyWriteExecute of the unit, which is prctl(2) PR_SET_MDWE: every library that computes for us works."""
    text = (
        "import ctypes, mmap, sys\n"
        "if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0):\n"
        "    sys.exit('too old a kernel')\n"
        "try:\n"
        "    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)\n"
        "except PermissionError:\n"
        "    from jamliquor_lite.crypto import suite\n"
        "    import jamliquor_lite.node.quic\n"
        "    suite.self_test()\n"
        "    suite.lean()\n"
        "    suite.self_test()\n"
        "    print('well')\n"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    if "too old a kernel" in done.stderr:
        pytest.skip("this kernel cannot forbid it")
    assert (done.stdout, done.stderr) == ("well\n", "")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_systemd_takes_the_unit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "jamliquor-lite.service"
    path.write_text(printed(capsys, "unit", NAME, *PORTS, "--program", "/bin/sh"))
    done = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False)
    about_us = [line for line in done.stderr.splitlines() if "jamliquor" in line]
    if "nft is not executable" in done.stderr:  # nftables is not installed where the tests run
        about_us = [line for line in about_us if "nft is not executable" not in line]
    assert about_us == []


def test_the_rules_are_for_the_ports_that_the_node_has(capsys: pytest.CaptureFixture[str]) -> None:
    n = boards.find(NAME).tables["firewall"]
    text = printed(capsys, "firewall", NAME, *PORTS, "--listen", "/ip6/::/tcp/4001")
    assert "tcp dport { 4001, 30334 } jump segments" in text and "udp dport { 30333 } jump datagrams" in text
    assert f"limit rate over {n['new_per_second']}/second burst {n['new_burst']} packets" in text
    assert f"ct count over {n['source_connections']}" in text
    assert len(re.findall(r"^\tset \w+ { .*size %d;" % n["sources"], text, re.MULTILINE)) == 6
    for counter in re.findall(r"counter name (\w+)", text):
        assert f"\tcounter {counter} {{" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "say what to do: `jamliquor-lite board list`"),
        (["show"], "the following arguments are required: BOARD"),
        (["show", "pikko"], "no board is called 'pikko'; did you mean pico? there are "),
        (["show", "/nowhere/board.toml"], "/nowhere/board.toml: no such file"),
        (["check", "/nowhere/board.toml"], "/nowhere/board.toml: no such file"),
        (["check", "--all", NAME], "board check: name boards, or give --all"),
        (["units"], "invalid choice: 'units'"),
        (["unit"], "the following arguments are required: BOARD"),
        (["unit", "raspbery-pi-zero-2w"], f"no board is called 'raspbery-pi-zero-2w'; did you mean {NAME}? there are "),
        (["unit", "qemu-virt-rv32-264k"], "is a microcontroller"),
        (["unit", NAME, "--role", "devnet"], "--role 'devnet': must be run or gateway"),
        (["unit", NAME, "--program", "/nowhere/x"], "--program '/nowhere/x': no such program"),
        (["unit", NAME, "--config", "/nowhere"], "/nowhere: cannot read the configuration"),
        (["unit", NAME, "--data", "/x"], "unrecognized arguments: --data"),  # StateDirectory is
        (["firewall", NAME], "these settings name no port to guard"),
        (["firewall", NAME, "--listen", "/ip4/0.0.0.0/tcp/0"], "these settings name no port to guard"),
        (["firewall", NAME, "--listen-port", "x"], "must be a whole number, 0 to 65535"),
    ],
)
def test_what_is_wrong_is_one_line(capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    assert main(["board", *words]) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and said in err
