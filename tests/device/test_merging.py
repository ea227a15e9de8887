"""What firmware/merging.py makes of modules: a package that does what they did, whichever names collide."""

from pathlib import Path
from typing import Any

import pytest

from tools.firmware_build import firmware_module

merging: Any = firmware_module("merging")

TEXTS = {
    "jamliquor_lite/__init__.py": "",
    "jamliquor_lite/errors.py": "class Fault(Exception):\n    pass\n",
    "jamliquor_lite/codec/__init__.py": "NAME = 'codec'\n",
    "jamliquor_lite/codec/one.py": """
import os
from ..errors import Fault
_SHARED = ["one"]
count = 0
def row(value):
    import json
    return "row", json.dumps(value)
def encode(value):
    global count
    count += 1
    return "one", value, _SHARED, os.sep
class Box:
    _SHARED = "a class has its own"
    def encode(self):
        return self._SHARED, _SHARED, encode(1)
""",
    "jamliquor_lite/codec/two.py": """
import os as system
from . import one
from .one import encode as other, Box as Base
from ..errors import Fault as Broken
try:
    import json
except ImportError:
    json = None
try:
    from nowhere import decode
except ImportError:
    from .plain import decode
_SHARED = ["two"]
def encode(value, Box=None):
    row = one.row(value)  # a variable beside the function of that name
    values = [encode for encode in range(2)]
    found = one.row(row), (lambda os: os)(Box)
    return "two", other(value), found, one.encode(2), one.count, _SHARED, system.sep, values
class Box(Base):
    def encode(self):
        def inner(_SHARED):
            return _SHARED, super(Box, self).encode()
        return inner("inner")
    def read(self):
        return json.loads("[2]")
    def fail(self):
        raise Broken("two")
""",
    "jamliquor_lite/codec/plain.py": "def decode():\n    return 'plain'\n",
    "jamliquor_lite/codec/three.py": "def decode():\n    return 'three'\n",
    "jamliquor_lite/codec/late.py": """
from . import one
from .two import Box
def late():
    return one.count, Box().read(), Box().encode()
""",
    "jamliquor_lite/node/__init__.py": "",
    "jamliquor_lite/node/node.py": """
from .. import codec
from ..codec import one, three, two
from ..codec.two import encode
from ..errors import Fault
def run():
    from ..codec.late import late
    from ..codec.two import Box as Kind
    try:
        Kind().fail()
    except Fault as error:
        found = str(error)
    return one.encode(3), two.encode(4), encode(5), Kind().encode(), late(), found, codec.NAME, one.Box().encode(), (
        two.decode(), three.decode())
""",
}
ROOTS = ("jamliquor_lite.node.node",)
FOLDERS = ("jamliquor_lite.codec", "jamliquor_lite.node")


def _run(texts: "dict[str, str]", package: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    for path, text in texts.items():
        file = folder / path.replace("jamliquor_lite", package)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("jamliquor_lite", package))
    monkeypatch.syspath_prepend(folder)
    module = "node" if "jamliquor_lite/node/node.py" not in texts else "node.node"
    return __import__(f"{package}.{module}", fromlist=["run"]).run()


def test_a_package_does_what_its_modules_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = merging.Merged(TEXTS, ROOTS, FOLDERS).texts
    assert sorted(texts) == [
        "jamliquor_lite/__init__.py", "jamliquor_lite/codec/__init__.py", "jamliquor_lite/codec/late.py",
        "jamliquor_lite/codec/plain.py", "jamliquor_lite/errors.py", "jamliquor_lite/node/__init__.py",
    ]  # fmt: skip
    assert texts["jamliquor_lite/codec/__init__.py"].count("import os") == 1
    assert _run(texts, "merged", tmp_path, monkeypatch) == _run(TEXTS, "apart", tmp_path, monkeypatch)


def test_a_module_that_is_used_as_a_value_is_refused() -> None:
    texts = dict(TEXTS)
    texts["jamliquor_lite/codec/two.py"] += "print(one)\n"
    with pytest.raises(merging.Unmergeable, match="one is used as a value"):
        merging.Merged(texts, ROOTS, FOLDERS)


def test_a_name_that_nothing_has_is_refused() -> None:
    texts = dict(TEXTS)
    texts["jamliquor_lite/codec/one.py"] += "def broken():\n    return decoded\n"
    with pytest.raises(merging.Unmergeable, match="nothing is called decoded"):
        merging.Merged(texts, ROOTS, FOLDERS)


def test_packages_that_need_each_other_are_refused() -> None:
    texts = dict(TEXTS)
    texts["jamliquor_lite/codec/one.py"] += "from ..node import node\n"
    with pytest.raises(merging.Unmergeable, match="imports go round in a circle"):
        merging.Merged(texts, ROOTS, FOLDERS)


def test_a_program_beside_them_finds_what_it_imports() -> None:
    merged = merging.Merged(TEXTS, ROOTS, FOLDERS)
    program = (
        "from jamliquor_lite.codec.two import encode", "from jamliquor_lite.codec import one",
        "import jamliquor_lite.node.node", "print(one.encode)",
    )  # fmt: skip
    lines = merged.rewrite("main.py", "\n".join(program)).splitlines()
    assert lines[0].startswith("from jamliquor_lite.codec import encode")
    assert lines[0].endswith("encode")  # whatever it is called there
    assert lines[1:3] == ["from jamliquor_lite import codec as one", "import jamliquor_lite.node"]
    assert lines[3].startswith("print(one.encode") and lines[0] != lines[3].replace("one.", "")
