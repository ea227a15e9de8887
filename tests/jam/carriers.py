"""The carriers that the scenarios of this folder run over. Runs on CPython and MicroPython.

A carrier has endpoints `a` (the initiator of the connection) and `b`, each with open(kind) and accept(); `pump()`
moves bytes; `cut()` ends the connection. tests/fake_carrier.py is one; a real transport can be wrapped as another.
"""

from tests.fake_carrier import Pair


def carriers() -> "list":
    """(name, factory) of each carrier; a factory makes a fresh, connected one."""
    return [
        ("whole", lambda: Pair()),
        ("bytewise", lambda: Pair(limit=1)),
        ("small window", lambda: Pair(seed=5, window=97, send_buffer=61)),
        ("random 1", lambda: Pair(seed=1, window=4096)),
        ("random 2", lambda: Pair(seed=2)),
    ]


def over_all(scenario) -> None:
    """Run scenario(carrier) over a fresh carrier of every sort."""
    for name, factory in carriers():
        try:
            scenario(factory())
        except Exception:
            print("carrier:", name)
            raise


def accepted(carrier, endpoint, tries: int = 10000):
    """The stream that the other endpoint opened."""
    for _ in range(tries):
        stream = endpoint.accept()
        if stream is not None:
            return stream
        carrier.pump()
    raise AssertionError("no stream came")
