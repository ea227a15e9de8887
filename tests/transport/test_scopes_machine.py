"""All bounds within each other, by chance: sessions on one pool against a count from below, on both interpreters.

hypothesis makes the steps; scopes_world.py does them and looks after each: what is held is counted stream by stream and
compared with what every scope says. Never over a limit, never below nothing, all returned in the end.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.transport.scopes_world import STEPS, World

DRIVER = Path(__file__).with_name("scopes_world.py")
MICROPYTHON = Path(sys.executable).with_name("micropython")


class Child:
    """MicroPython with scopes_world.py, for all machines of this process; None where there is none."""

    process: "subprocess.Popen[str] | None" = None

    @classmethod
    def say(cls, line: str) -> str:
        if cls.process is None:
            cls.process = subprocess.Popen(
                [str(MICROPYTHON), "-X", "heapsize=16M", str(DRIVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                text=True, bufsize=1, cwd=DRIVER.parents[2])
        assert cls.process.stdin is not None and cls.process.stdout is not None
        cls.process.stdin.write(line + "\n")
        cls.process.stdin.flush()
        return cls.process.stdout.readline().strip()


@pytest.fixture(scope="module", autouse=True)
def _end_of_the_child() -> Iterator[None]:
    yield
    if Child.process is not None:
        assert Child.process.stdin is not None
        Child.process.stdin.close()
        assert Child.process.wait(60) == 0
        Child.process = None


class Machine(RuleBasedStateMachine):
    """One world on each interpreter."""

    def do(self, *words: object) -> None:
        if MICROPYTHON.exists():
            line = " ".join(str(word) for word in words)
            answer = Child.say(line)
            assert answer == "ok", (line, answer)

    @initialize(
        chunks=st.sampled_from([4, 5, 7, 10, 40]), frames=st.integers(2, 9), permille=st.sampled_from([100, 500, 1000]),
        streams=st.integers(1, 9),
    )  # fmt: skip
    def begin(self, chunks: int, frames: int, permille: int, streams: int) -> None:
        self.world = World(chunks, frames, permille, streams)
        self.do("begin", chunks, frames, permille, streams)

    @rule(
        what=st.sampled_from(STEPS), peer=st.integers(0, 5), side=st.integers(0, 1), pick=st.integers(0, 6),
        size=st.integers(1, 900),
    )  # fmt: skip
    def step(self, what: str, peer: int, side: int, pick: int, size: int) -> None:
        self.world.step(what, peer, side, pick, size)
        self.do(what, peer, side, pick, size)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.done()
            self.do("end")


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=60, stateful_step_count=80, deadline=None, suppress_health_check=list(HealthCheck))
