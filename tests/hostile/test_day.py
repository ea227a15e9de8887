"""What tools/bench/day.py measures, over 200 slots and an epoch mark. The whole day takes 18 minutes: `--long`."""

import pytest

from tests.hostile.figures import figures
from tools.bench import day


def check(found: "dict[str, object]") -> None:
    assert found["kept"], found["bars"]
    served = found["served"]
    # Every header came by announcement, whole and once: 297 bytes and more, with the final block's hash and slot.
    assert found["messages down"] == served["headers"] + 36 * served["blocks"] + found["messages up"]
    # Each slot's segment was acknowledged by itself, as it would be in a day.
    assert found["frames up"] >= served["blocks"]
    # What the node reckons is what the kernel counts.
    for way in ("down", "up"):
        assert abs(found[f"reckoned {way}"] - found[f"ethernet {way}"]) <= found[f"ethernet {way}"] // 50 + 300


def test_two_hundred_slots_cost_their_share_of_a_day() -> None:
    check(figures("day", "tools/bench/day.py", "--slots", "200"))


@pytest.mark.long
def test_a_day_costs_what_was_promised() -> None:
    check(figures("day", "tools/bench/day.py", "--slots", str(day.SLOTS_A_DAY)))


def test_bars_of_a_short_run_can_break() -> None:
    served = {"blocks": 200, "headers": 200 * 297 + 65_536, "late": 0, "long": 1, "peers": 1}
    kept = {"messages down": 333 * 200 + 65_536, "wire down": 131_000 + 30_000, "wire up": 16_500}
    assert day.Day(200, kept, served).is_kept
    # Pings every 15 s, three announcements twice, or an acknowledgement too many for each slot would be noticed.
    for name, more in (("wire up", 80 * 82), ("wire down", 80 * 134), ("messages down", 999), ("wire up", 200 * 52)):
        assert not day.Day(200, {**kept, name: kept[name] + more}, served).is_kept, name
