"""What a board says when it dies: `PANIC: …` of firmware/port/fault.c, explained; tracebacks of MicroPython, set apart.

    PANIC: load access fault, mcause 0x00000005, mepc 0x80012345, mtval 0x00000010, ra 0x80010000, sp 0x80540000
    PANIC: abort, ra 0x80012345

The addresses get the names of functions where the firmware's ELF is given. Causes are those of the RISC-V privileged
specification, table "mcause values".
"""

import re

from ..const import const
from ..errors import LocalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PANIC = re.compile(r"PANIC: (?P<what>[^,]+)(?P<registers>(?:, [a-z]+ 0x[0-9a-f]{8})*)")
_REGISTER = re.compile(r"([a-z]+) 0x([0-9a-f]{8})")
_TRACEBACK = "Traceback (most recent call last):"
_STEP = re.compile(r'^  File "(?P<file>[^"]+)", line (?P<line>\d+)(?:, in (?P<name>.+))?$')
_MOST_STEPS = const(32)
_NULL_BYTES = const(4096)
CAUSES = {
    0: "it jumped to an odd address", 1: "it jumped to where no code is", 2: "it came to what is no instruction",
    3: "a breakpoint", 4: "it read a word that is not aligned", 5: "it read where no memory is",
    6: "it wrote a word that is not aligned", 7: "it wrote where no memory is",
}


class Symbols:
    """The functions of an ELF file."""

    def __init__(self, path: str) -> None:
        """LocalError, the user's, where it is none."""
        from elftools.common.exceptions import ELFError
        from elftools.elf.elffile import ELFFile

        self.path = path
        self._functions: "list[tuple[int, int, str]]" = []
        try:
            with open(path, "rb") as file:
                table: "Any" = ELFFile(file).get_section_by_name(".symtab")
                if table is None:
                    raise LocalError(f"--elf {ascii(path)}: it has no symbols (it was stripped)", 2)
                for symbol in table.iter_symbols():
                    if symbol["st_info"]["type"] == "STT_FUNC" and symbol["st_size"]:
                        self._functions.append((symbol["st_value"], symbol["st_size"], symbol.name))
        except OSError as error:
            raise LocalError(f"--elf {ascii(path)}: {error.strerror}", 2)
        except ELFError:
            raise LocalError(f"--elf {ascii(path)}: this is no ELF file", 2)

    def name(self, address: int) -> str:
        """`function+0x12`, or "" where none is."""
        for start, size, name in self._functions:
            if start <= address < start + size:
                return f"{name}+0x{address - start:x}" if address > start else name
        return ""


class Faults:
    """`explain` each line of the board."""

    def __init__(self, symbols: "Symbols | None" = None) -> None:
        self._symbols = symbols
        self._steps = -1  # of the traceback that is being said; -1: none
        self._last = ""

    def kind(self, text: str) -> str:
        """What the line is: fault, trace (a part of a traceback), or text."""
        if "PANIC: " in text:
            self._steps = -1
            return "fault"
        if _TRACEBACK in text:
            self._steps, self._last = 0, ""
            return "trace"
        if self._steps < 0:
            return "text"
        step = _STEP.match(text)
        if (step or text.startswith("    ")) and self._steps < _MOST_STEPS:
            self._steps += 1
            if step:
                self._last = f"{step['file']} line {step['line']}" + (f" in {step['name']}" if step["name"] else "")
            return "trace"
        return "fault" if self._steps else "text"  # the exception itself comes last

    def explain(self, text: str) -> "list[str]":
        """What is to be said below the line, after `kind`; [] for most."""
        if self._steps >= 0 and _TRACEBACK not in text and not _STEP.match(text) and not text.startswith("    "):
            where, self._steps = self._last, -1
            return [f"raised at {where}"] if where else []
        found = _PANIC.search(text)
        if not found:
            return []
        registers = {name: int(value, 16) for name, value in _REGISTER.findall(found["registers"])}
        said = [self._cause(found["what"].strip(), registers)]
        for name, what in (("mepc", "it was at"), ("ra", "called from")):
            if name in registers:
                symbol = self._symbols.name(registers[name]) if self._symbols else ""
                if symbol or self._symbols:
                    said.append(f"{what} 0x{registers[name]:08x}: {symbol or 'in no function of the ELF'}")
        if registers and self._symbols is None:
            said.append("--elf FILE (the firmware's) names the functions")
        return said

    def _cause(self, what: str, registers: "dict[str, int]") -> str:
        address, cause = registers.get("mtval", -1), registers.get("mcause", -1)
        if what == "stack overflow":
            return f"the stack is full: it ran into its guard at 0x{address:08x}"
        if cause & 0x80000000 and cause >= 0:
            return f"an interrupt that nobody handles, number {cause & 0x7FFFFFFF}"
        if cause in CAUSES:
            null = " (a null pointer)" if cause in (5, 7) and 0 <= address < _NULL_BYTES else ""
            return f"{CAUSES[cause]}: address 0x{address:08x}{null}"
        if cause >= 0:
            return f"trap number {cause}, which the RISC-V specification gives no name of ours"
        if what == "abort":
            return "C code gave up: an assertion, or abort()"
        return f"the firmware gave up: {what}"
