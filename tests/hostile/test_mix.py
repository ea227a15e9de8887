"""A node under attack keeps what its board promises: 45 s with every run of the tests, half an hour with `--long`.

What the report says is printed; `python -m tests.hostile.mix --seconds N` runs it alone.
"""

import pytest

from tests.hostile.figures import figures


def mix(seconds: int, *options: str) -> "dict[str, object]":
    """Run it and print what it says; its figures."""
    return figures("figures of the mix", "-m", "tests.hostile.mix", "--seconds", str(seconds), *options)


def test_45_seconds_of_40_hostile_peers() -> None:
    found = mix(45)
    assert found["broken"] == []


def test_a_processor_that_is_too_slow_for_them_is_not_exceeded() -> None:
    """A fast machine does all the work that there is within the board's share; with less of it most has to wait."""
    found = mix(15, "--cpu-percent", "6")
    assert found["broken"] == []
    budgets = found["summary"]["budgets"]  # type: ignore[index]
    assert budgets["cpu_rate"] == 60_000
    assert budgets["cpu_deferred_serving"] > 0 and budgets["cpu_deferred_handshakes"] > 0


@pytest.mark.long
def test_half_an_hour_of_40_hostile_peers() -> None:
    found = mix(1800, "--seed", "1")
    assert found["broken"] == []


@pytest.mark.long
def test_a_lite_node_that_follows_over_tcp() -> None:
    found = mix(120, "--role", "run")
    assert found["broken"] == []


@pytest.mark.long
def test_a_node_without_budgets_would_be_noticed() -> None:
    broken = " ".join(mix(40, "--free")["broken"])  # type: ignore[arg-type]
    assert "egress in any" in broken and "ingress in any" in broken
