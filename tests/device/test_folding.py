"""What firmware/folding.py takes out of modules, and what it must leave: each folded program does what it did."""

import ast
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tools.firmware_build import firmware_module
from tools.firmware_build import folding as package_folding

folding: Any = firmware_module("folding")
kept: Any = firmware_module("kept")

KINDS = """
from .const import const
ONE = const(1)
MANY = ONE << 4 | 3
LOW: "int" = -7
BIG = 1 << 40
TWICE = 1
TWICE = 2
BY_TEXT = 5
BY_OTHERS = 6
SET = 8
_TEXT = "some text"
_ROWS = ((1, "a"), (2, b"b"))
_SEEN = "seen by another"
_MADE = bytes(3)
__all__ = ("ONE",)
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

class Kind:
    __slots__ = ("here",)
    unasked = 4 * 1024
    inner = 3
    outer = inner + 1
    by_class = 5
    by_object = 6
    by_text = 7
    def at(self, LOW: "Any") -> "int":
        count: "int" = ONE
        return LOW + count + MANY
def texts():
    return _TEXT, _ROWS, _MADE, LOW
"""
USER = """
import sys
from .kinds import ONE, MANY as SOME, BIG, TWICE, Kind, SET, _SEEN
from . import kinds
from .ports.tool import work
from .ports import tool
class Holder:
    pass
def use(x, module=kinds):
    kinds.SET = 9
    asked = getattr(kinds, "BY_TEXT"), module.BY_OTHERS, Kind.by_class, Kind().by_object, getattr(Kind, "by_text")
    return x[ONE:SOME], f"{ONE}{SOME!r}", kinds.LOW, BIG, TWICE, asked, -ONE ** 2, SET
def later():
    from .kinds import ONE as first
    return first, _SEEN, work(), tool.DEEP
"""
TOOL = """
import sys
if sys.implementation.name == "micropython":
    from .micropython.tool import DEEP, work
else:
    from .cpython.tool import DEEP, work
"""
DEEP = "DEEP = 12\ndef work():\n    return DEEP\n"
TEXTS = {
    "jamliquor_lite/__init__.py": "",
    "jamliquor_lite/const.py": "def const(value):\n    return value\n",
    "jamliquor_lite/kinds.py": KINDS,
    "jamliquor_lite/ports/__init__.py": "",
    "jamliquor_lite/ports/micropython/__init__.py": "",
    "jamliquor_lite/ports/micropython/tool.py": DEEP,
    "jamliquor_lite/ports/tool.py": TOOL,
    "jamliquor_lite/user.py": USER,
}


@pytest.fixture(scope="module")
def folded() -> "dict[str, str]":
    texts: "dict[str, str]" = folding.Folding(TEXTS, False).texts
    return texts


def _names(text: str) -> "set[str]":
    """What a module names at its outermost level."""
    found = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign):
            found |= {ast.unparse(target) for target in node.targets}
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
    return found


def test_numbers_stand_where_their_names_stood(folded: "dict[str, str]") -> None:
    text = folded["jamliquor_lite/user.py"]
    assert "x[1:19]" in text and "from jamliquor_lite.ports.micropython.tool import work" in text
    assert _names(text) == {"BIG", "TWICE", "Kind", "SET", "_SEEN", "kinds", "work", "tool", "Holder", "use", "later"}


def test_what_is_bound_twice_or_set_or_asked_for_stays(folded: "dict[str, str]") -> None:
    text = folded["jamliquor_lite/kinds.py"]
    # LOW is a parameter as well; BY_TEXT and BY_OTHERS are asked of a module that nobody can name here; SET is set.
    assert _names(text) == {
        "LOW", "BIG", "TWICE", "BY_TEXT", "BY_OTHERS", "SET", "_TEXT", "_ROWS", "_SEEN", "_MADE", "Kind", "texts",
    }  # fmt: skip
    assert "_TEXT = const('some text')" in text and "_ROWS = const(" in text
    assert "_SEEN = 'seen by another'" in text and "_MADE = bytes(3)" in text  # imported, and not fixed


def test_a_number_of_a_class_goes_when_nobody_asks_for_it(folded: "dict[str, str]") -> None:
    text = folded["jamliquor_lite/kinds.py"]
    kept = {name for name in ("unasked", "inner", "outer", "by_class", "by_object", "by_text") if name in text}
    assert kept == {"inner", "outer", "by_class", "by_object", "by_text"}
    assert "unasked = 4 * 1024" in folding.Folding(TEXTS, True).texts["jamliquor_lite/kinds.py"]


def test_what_only_readers_want_goes(folded: "dict[str, str]") -> None:
    text = folded["jamliquor_lite/kinds.py"]
    for word in ("TYPE_CHECKING", "__slots__", "__all__", "typing", "import const", "'Any'"):
        assert (word in text) == (word == "'Any'"), word
    assert folded["jamliquor_lite/ports/tool.py"].split() == "from .micropython.tool import work".split()


def test_it_does_what_it_did(folded: "dict[str, str]", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both programs run here, in packages of their own."""
    found = []
    for kind, texts in (("plain", TEXTS), ("folded", folded)):
        for path, text in texts.items():
            if kind == "plain":
                text = text.replace("from .cpython", "from .micropython")
            text = text.replace("jamliquor_lite.", kind + ".").replace("const(", "(")
            file = tmp_path / path.replace("jamliquor_lite", kind)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text.replace("def (value)", "def const(value)"))
        monkeypatch.syspath_prepend(tmp_path)
        user = __import__(kind + ".user").user
        found.append((user.use(bytes(range(30))), user.later(), user.kinds.Kind().at(2), user.kinds.texts()))
    assert found[0] == found[1]


def test_names_stay_for_what_is_not_folded() -> None:
    texts = folding.Folding(TEXTS, True).texts
    assert {"ONE", "MANY"} <= _names(texts["jamliquor_lite/kinds.py"])
    assert "x[1:19]" in texts["jamliquor_lite/user.py"]


def test_a_program_beside_them_is_folded_too() -> None:
    text = "from jamliquor_lite.kinds import MANY, Kind\nfrom jamliquor_lite import kinds\nprint(MANY, kinds.ONE)"
    other = folding.Folding(TEXTS, False).fold_other("main.py", text)
    assert "print(19, 1)" in other and "MANY" not in other


def test_the_package_has_no_module_that_stays_whole() -> None:
    """A board's package: some hundred numbers without names, and none of what only readers want."""
    found = package_folding()
    text = "".join(found.texts.values())
    assert "TYPE_CHECKING" not in text and "__slots__" not in text and "import const\n" not in text
    left = [name for path, text in found.texts.items() for name in _names(text) if name.isupper()]
    assert 20 < len(left) < 250  # tuples and texts for the most part; twice as many in the sources
    assert len(found.texts) < len(found.modules) - 40  # what a board always loads is merged, all but a few folders


def test_a_folder_is_kept_while_it_is_used(tmp_path: Path) -> None:
    def never() -> "dict[str, str]":
        raise AssertionError("it is there")

    first = kept.kept_folder(str(tmp_path), "names", ["x"], lambda: {"a/b.py": "x = 1\n"})
    assert (Path(first) / "a" / "b.py").read_text() == "x = 1\n" and kept.files_of(first) == ["a/b.py"]
    for number in range(kept.KEPT + 3):
        folder = kept.kept_folder(str(tmp_path), "names", [str(number)], lambda: {"a.py": ""})
        old = time.time() - 1000 + number  # in the order of use, whatever the clock's grain
        os.utime(folder, (old, old))
        assert kept.kept_folder(str(tmp_path), "names", ["x"], never) == first
    assert len(list(tmp_path.iterdir())) == kept.KEPT and Path(first).is_dir()
