# portable: runs on CPython and MicroPython
"""CE 130 over the carriers that both interpreters have."""

from tests.data import handmade  # noqa: F401  (imported from here: MicroPython's stack bounds how deep imports go)
from tests.jam import scenarios_justification
from tests.jam.carriers import over_all


def test_every_scenario_over_every_carrier():
    for scenario in scenarios_justification.SCENARIOS:
        try:
            over_all(scenario)
        except Exception:
            print("scenario:", scenario.__name__)
            raise
