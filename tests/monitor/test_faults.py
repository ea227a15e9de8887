"""Panics and tracebacks, as firmware/port/fault.c and MicroPython print them."""

import re
import struct
from pathlib import Path

import pytest

from jamliquor_lite.errors import LocalError
from jamliquor_lite.monitor.faults import CAUSES, Faults, Symbols

ROOT = Path(__file__).resolve().parents[2]
TRAP = "PANIC: %s, mcause 0x%08x, mepc 0x80001010, mtval 0x%08x, ra 0x80002004, sp 0x80540000"


def elf(path: Path, functions: "list[tuple[str, int, int]]", has_symbols: bool = True) -> Path:
    """An ELF32 file of RISC-V with a symbol table, and no code."""
    names = b"\0" + b"".join(name.encode() + b"\0" for name, _, _ in functions)
    table, at = bytes(16), 1
    for name, start, size in functions:
        table += struct.pack("<IIIBBH", at, start, size, 2, 0, 1)
        at += len(name) + 1
    sections = b"\0.symtab\0.strtab\0"
    body = table + names + sections
    head = struct.pack("<16sHHIIIIIHHHHHH", b"\x7fELF\1\1\1", 2, 243, 1, 0, 0, 52 + len(body), 0, 52, 0, 0, 40, 4, 3)
    rows = [(0, 0, 0, 0, 0, 0), (1, 2 if has_symbols else 1, 52, len(table), 2, 16),
            (9, 3, 52 + len(table), len(names), 0, 0), (9, 3, 52 + len(table) + len(names), len(sections), 0, 0)]
    path.write_bytes(head + body + b"".join(
        struct.pack("<IIIIIIIIII", name, kind, 0, 0, start, size, link, 1, 0, entry)
        for name, kind, start, size, link, entry in rows))
    return path


def explained(text: str, faults: "Faults | None" = None) -> str:
    faults = faults or Faults()
    assert faults.kind(text) == "fault"
    return " | ".join(faults.explain(text))


@pytest.mark.parametrize(
    ("what", "cause", "address", "said"),
    [
        ("load access fault", 5, 0x10, "it read where no memory is: address 0x00000010 (a null pointer)"),
        ("store access fault", 7, 0x90000000, "it wrote where no memory is: address 0x90000000"),
        ("stack overflow", 7, 0x80530000, "the stack is full: it ran into its guard at 0x80530000"),
        ("illegal instruction", 2, 0, "it came to what is no instruction"),
        ("trap", 0x80000007, 0, "an interrupt that nobody handles, number 7"),
        ("trap", 13, 0, "trap number 13"),
    ],
)
def test_the_cause_is_named(what: str, cause: int, address: int, said: str) -> None:
    assert said in explained(TRAP % (what, cause, address))


def test_every_cause_that_the_firmware_names_is_explained() -> None:
    text = (ROOT / "firmware/port/fault.c").read_text()
    block = re.search(r"causes\[\] = \{(.*?)\};", text, re.S)
    assert block
    names = re.findall(r'"([^"]+)"', block[1])
    assert len(names) == len(CAUSES) == 8
    for cause, name in enumerate(names):
        assert CAUSES[cause] in explained(TRAP % (name, cause, 1))


def test_the_other_panics() -> None:
    assert "an assertion, or abort()" in explained("PANIC: abort, ra 0x80001010")
    assert "gave up: an assertion of lwIP" in explained("PANIC: an assertion of lwIP, ra 0x80001010")
    assert "--elf" in explained("PANIC: abort, ra 0x80001010")


def test_functions_are_named_where_an_elf_is_given(tmp_path: Path) -> None:
    path = elf(tmp_path / "f.elf", [("mp_execute", 0x80001000, 0x100), ("main", 0x80002000, 0x10)])
    said = explained(TRAP % ("load access fault", 5, 0), Faults(Symbols(str(path))))
    assert "it was at 0x80001010: mp_execute+0x10" in said and "called from 0x80002004: main+0x4" in said
    assert Symbols(str(path)).name(0x80003000) == "" and Symbols(str(path)).name(0x80002000) == "main"


@pytest.mark.parametrize(("data", "said"), [(b"no ELF", "this is no ELF file"), (None, "No such file")])
def test_what_is_no_elf(tmp_path: Path, data: "bytes | None", said: str) -> None:
    path = tmp_path / "x"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(LocalError, match=said) as error:
        Symbols(str(path))
    assert error.value.exit_code == 2


def test_a_stripped_elf(tmp_path: Path) -> None:
    path = elf(tmp_path / "f.elf", [("main", 1, 1)])
    path.write_bytes(path.read_bytes().replace(b".symtab", b".nothin"))
    with pytest.raises(LocalError, match="it was stripped"):
        Symbols(str(path))


def test_a_traceback_is_set_apart() -> None:
    faults = Faults()
    lines = ["before", "Traceback (most recent call last):", '  File "main.py", line 3, in <module>',
             '  File "app.py", line 12, in run', "MemoryError: memory allocation failed, allocating 512 bytes", "after"]
    kinds, said = [], []
    for line in lines:
        kinds.append(faults.kind(line))
        said += faults.explain(line)
    assert kinds == ["text", "trace", "trace", "trace", "fault", "text"]
    assert said == ["raised at app.py line 12 in run"]


def test_a_traceback_that_does_not_end_is_bounded() -> None:
    faults = Faults()
    kinds = []
    for line in ["Traceback (most recent call last):", *['  File "a.py", line 1, in f'] * 100]:
        kinds.append(faults.kind(line))
        faults.explain(line)
    assert kinds.count("trace") < 40
