"""The console of a node on Linux: a Unix socket for its owner alone, several readers, and what the system says."""

import asyncio
import io
import os
import socket
import stat
from pathlib import Path

import pytest

from jamliquor_lite.cli.console import READERS, Consoles, HostFace, HostStatus
from jamliquor_lite.cli.output import Output
from jamliquor_lite.console import messages
from jamliquor_lite.errors import LocalError
from jamliquor_lite.monitor import sources
from jamliquor_lite.monitor.faults import Faults
from jamliquor_lite.monitor.session import Session
from jamliquor_lite.node.status import Status
from jamliquor_lite.ports.cpython.process import Process

from .fake import now_ms


class Node:
    """As little of one as a console that is not asked for a status needs."""

    class profile:  # noqa: N801
        memory_bytes = 0

    class peers:  # noqa: N801
        records = ()


def consoles(text: "str | None", data_dir: str = "") -> "tuple[Consoles, io.StringIO]":
    out = io.StringIO()
    return Consoles(text, "0", data_dir, Output(False, out)), out


def test_the_socket_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "console"
    made, _ = consoles(None, str(tmp_path / "state"))
    try:
        assert stat.S_ISSOCK(path.stat().st_mode) and stat.S_IMODE(path.stat().st_mode) == 0o600
        assert os.umask(os.umask(0o22)) != 0o177
        with pytest.raises(LocalError, match="another node has it open") as error:
            consoles(f"unix:{path}")
        assert error.value.exit_code == 2
        second, out = consoles(None, str(tmp_path / "state"))  # by default it is no reason not to run
        assert "no console in the data folder" in out.getvalue()
        second.close()
        assert path.exists()
    finally:
        made.close()
    assert not path.exists()


def test_what_an_earlier_run_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "console"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    made, _ = consoles(f"unix:{path}")
    made.close()
    path.write_text("a letter")
    with pytest.raises(LocalError, match="a file is there that is no socket"):
        consoles(f"unix:{path}")
    assert path.read_text() == "a letter"


@pytest.mark.parametrize("path", ["/none/console", "/" + "x" * 200])
def test_a_socket_that_cannot_be_is_one_line(path: str) -> None:
    with pytest.raises(LocalError) as error:
        consoles(f"unix:{path}")
    assert error.value.exit_code == 2 and "\n" not in str(error.value)


def test_none_offers_nothing(tmp_path: Path) -> None:
    made, _ = consoles("none", str(tmp_path))
    made.say("nobody hears this")
    made.close()
    assert not list(tmp_path.iterdir())


def test_several_read_at_once_and_each_hears_what_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Status, "read", lambda self, node: self)

    async def run() -> None:
        made, _ = consoles(f"unix:{tmp_path}/console")
        task = asyncio.create_task(made.run(Node()))  # type: ignore[arg-type]
        made.say("before they came")
        readers = [Session(sources.make(f"socket:{tmp_path}/console"), Faults()) for _ in range(READERS + 1)]
        for reader in readers:
            reader.begin(now_ms())

        async def until(what: object) -> None:
            for _ in range(500):
                for reader in readers:
                    list(reader.poll(now_ms()))
                if what():  # type: ignore[operator]
                    return
                await asyncio.sleep(0.01)
            raise AssertionError([[line.text for line in reader.model.lines] for reader in readers])

        def heard(reader: Session, text: str) -> bool:
            return any(line.text == text for line in reader.model.lines)

        await until(lambda: all(heard(reader, "before they came") for reader in readers[:READERS]))
        assert readers[0].model.names[-len(HostFace.more) :] == list(HostFace.more)
        made.say("to all of them")
        await until(lambda: all(heard(reader, "to all of them") for reader in readers[:READERS]))
        assert not readers[-1].is_open  # one too many
        readers[0].end()
        await until(lambda: readers[-1].is_open and heard(readers[-1], "to all of them"))
        for reader in readers:
            reader.end()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    assert not (tmp_path / "console").exists()


@pytest.mark.parametrize("uses_psutil", [True, False])
def test_what_the_system_says(uses_psutil: bool) -> None:
    process = Process(uses_psutil).read()
    statm = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    times = os.times()
    assert abs(process.rss_bytes - statm) < 4 << 20
    assert abs(process.cpu_ms - (times.user + times.system) * 1000) < 1000
    assert 1 << 20 < process.available_bytes < 1 << 50
    assert process.milli_celsius == -1 or -100_000 < process.milli_celsius < 200_000


def test_a_hosts_status_says_more_in_the_same_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Status, "read", lambda self, node: self)
    status = HostStatus(1 << 40).read(None)  # type: ignore[arg-type]
    values: "dict[str, object]" = {}
    names = [*messages.fields(), *HostFace.more]
    for body in messages.status(status, 5):
        assert len(body) <= 248
        items = messages.read(body)
        values.update(zip(names[items[2] :], items[3:]))
    assert len(values) == len(names)
    assert values["heap_used"] > 1 << 20 and values["heap_free"] == (1 << 40) - values["heap_used"]  # type: ignore
    assert values["process_ms"] > 0 and values["host_available"] > 1 << 20  # type: ignore[operator]
    assert status.budgets_by_name().keys() == dict.fromkeys(list(messages.fields())[len(messages.FIELDS) :]).keys()
