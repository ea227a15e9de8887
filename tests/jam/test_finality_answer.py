# portable: runs on CPython and MicroPython
"""Answers to CE 130 and CE 153 over the carriers that both interpreters have."""

from tests.jam import scenarios_finality
from tests.jam.carriers import over_all


def test_every_scenario_over_every_carrier():
    for scenario in scenarios_finality.SCENARIOS:
        try:
            over_all(scenario)
        except Exception:
            print("scenario:", scenario.__name__)
            raise
