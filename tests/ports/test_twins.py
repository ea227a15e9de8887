"""The two ports side by side, read as text, for only one of them runs here; and MicroPython's clock on a fake one."""

import ast
import types
from pathlib import Path

import pytest

from jamliquor_lite.ports.contract import CONTRACT

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
PORTS = Path(__file__).parents[2] / "jamliquor_lite" / "ports"


def _faces(path):
    """Public functions and classes (by their methods), with the names of their arguments; public `const` numbers;
    public attributes that a class gives itself."""
    faces = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, FUNCTIONS) and not node.name.startswith("_"):
            faces[node.name] = _call(node)
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for method in node.body:
                if isinstance(method, FUNCTIONS) and (method.name == "__init__" or method.name[0] != "_"):
                    faces[node.name + "." + method.name] = _call(method)
            for attribute in _attributes(node):
                faces[node.name + "." + attribute] = "attribute"
        elif isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("const("):
            for target in node.targets:
                if not target.id.startswith("_"):
                    faces[target.id] = ast.unparse(node.value)
    return faces


def _call(node):
    """Whether a function is to be awaited, the names of its arguments, and its defaults."""
    names = [argument.arg for argument in node.args.args]
    return isinstance(node, ast.AsyncFunctionDef), names, [ast.unparse(value) for value in node.args.defaults]


def _attributes(cls):
    for node in ast.walk(cls):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self":
            if not node.attr.startswith("_"):
                yield node.attr


@pytest.mark.parametrize("module", sorted(CONTRACT))
def test_twins_have_one_face(module):
    cpython = _faces(PORTS / "cpython" / f"{module}.py")
    # The copies of the memory module stand beside it: where they are in C it has none of its own.
    source = "memory_plain" if module == "memory" else module
    micropython = _faces(PORTS / "micropython" / f"{source}.py")
    assert cpython == micropython
    offered = {name.split(".")[0] for name in cpython}
    assert offered == set(CONTRACT[module])


def _clock(time):
    """MicroPython's clock module over a `time` module of ours."""
    source = (PORTS / "micropython" / "clock.py").read_text().replace("import time\n", "")
    module = types.ModuleType("clock")
    module.time = time
    exec(compile(source, "clock.py", "exec"), module.__dict__)
    return module


class _Board:
    """A board's counter that wraps at 2^30, as MicroPython's does on 32 bits."""

    def __init__(self, start, epoch=1970, now=0):
        self.at, self.epoch, self.now = start, epoch, now

    def ticks_ms(self):
        return self.at % (1 << 30)

    ticks_us = ticks_ms

    def ticks_add(self, a, b):
        assert abs(b) < 1 << 29, "MicroPython raises OverflowError"
        return (a + b) % (1 << 30)

    def ticks_diff(self, a, b):
        return (a - b + (1 << 29)) % (1 << 30) - (1 << 29)

    def time(self):
        return self.now

    def gmtime(self, seconds):
        assert seconds == 0
        return (self.epoch, 1, 1, 0, 0, 0, 0, 1)


def test_ticks_go_on_where_the_counter_wraps():
    board = _Board((1 << 30) - 5000)
    clock = _clock(board)
    first = clock.ticks_ms()
    for step in (0, 1, 4998, 1, 1, 7000, (1 << 29) - 1, (1 << 29) - 1, 3):
        before = clock.ticks_ms()
        board.at += step
        assert clock.ticks_ms() - before == step
    assert clock.ticks_ms() - first == 4998 + 3 + 7000 + 2 * ((1 << 29) - 1) + 3


def test_processor_time_goes_on_where_the_counter_wraps_and_stands_still_in_waits():
    board = _Board((1 << 30) - 5000)
    clock = _clock(board)
    last = first = clock.cpu_us()
    ran = 0
    for step in (0, 1, 4998, 7000, (1 << 29) - 1, (1 << 29) - 1, 3):
        board.at += step
        ran += step
        now = clock.cpu_us()
        assert clock.cpu_diff(now, last) == step and 0 <= now < 1 << 30
        last = now
        board.at += 3 * (1 << 30) + 77  # a wait may be longer than the counter is wide
        clock._waited()
        assert clock.cpu_us() == now
    assert (last - first) % (1 << 30) == ran % (1 << 30)


@pytest.mark.parametrize(
    ("epoch", "now", "seen"),
    [
        (1970, 0, None),
        (1970, 1735732799, None),
        (1970, 1735732800, 1735732800),
        (2000, 0, None),
        (2000, 800000000, 800000000 + 946684800),
    ],
)
def test_a_clock_that_was_never_set_is_not_believed(epoch, now, seen):
    assert _clock(_Board(0, epoch, now)).wall_seconds() == seen
