"""Moments in milliseconds, of which -1 is never."""


def earlier(one: int, other: int) -> int:
    """The earlier of two moments."""
    return one if other < 0 or 0 <= one < other else other
