#!/usr/bin/env python3
"""Instructions that checking a header's two VRFs takes on a RISC-V microcontroller, which has to stay below a bar.

    python3 tools/bench/vrf_mcu.py [--small] [--flags=-Os] [--headers N] [--json]

The C code of firmware/cmodules/jamcrypto runs without an operating system in QEMU's emulation of RV32IMAC, where
`minstret` counts the instructions: the numbers repeat exactly. They are instructions and no clock cycles. Every header
is real in form, its seals are made by the pure-Python code, both outputs are compared, and a forged proof is refused.

Exit status: 0 good, 1 above a bar, a wrong answer or a failed build, 2 wrong words or a missing compiler.
"""

import argparse
import json
import random
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from jamliquor_lite.crypto import vrf
from tools.building import ToolError, cache_folder, call, install, new_folder

BAR = 13_000_000  # instructions a header, the key's decoding included
MODULE = ROOT / "firmware" / "cmodules" / "jamcrypto"
HARNESS = Path(__file__).with_suffix(".c")
GCC = "riscv64-unknown-elf-gcc"
SIZE = "riscv64-unknown-elf-size"
QEMU = "qemu-system-riscv32"
PACKAGES = ["gcc-riscv64-unknown-elf", "picolibc-riscv64-unknown-elf", "qemu-system-misc"]
# gcc 12 takes the 64-bit library where the link is told of zicsr.
ARCH, LINK_ARCH, ABI = "-march=rv32imac_zicsr", "-march=rv32imac", "-mabi=ilp32"
RUN_S = 300
SLOT_MS = 6_000
CLOCK_MHZ = 150
UNSIGNED_BYTES = 201  # of a plain header without its seal


def need_tools() -> None:
    if not all(shutil.which(name) for name in (GCC, SIZE, QEMU)):
        install(PACKAGES, "a RISC-V compiler and QEMU")


def array(data: bytes) -> str:
    """An initializer of bytes."""
    return "{" + ",".join(map(str, data)) + "}"


def cases(count: int) -> str:
    """A C header with `count` headers' VRFs: tickets and fallback authors in turn."""
    dice = random.Random(7)
    lines = [
        "typedef struct { const uint8_t *input; uint16_t input_size; const uint8_t *aux; uint16_t aux_size;",
        "    uint8_t proof[96], output[32]; } vrf_t;",
        "typedef struct { uint8_t author[32]; vrf_t seal, entropy; } header_t;",
    ]
    rows = []
    for i in range(count):
        secret = vrf.secret(dice.randbytes(32))
        sealed = dice.randbytes(UNSIGNED_BYTES)
        ticket = b"jam_ticket_seal" + dice.randbytes(32) + bytes([i % 3])
        fallback = b"jam_fallback_seal" + dice.randbytes(32)
        seal = fallback if i % 4 == 3 else ticket
        parts = []
        for name, data, aux in (("S", seal, sealed), ("E", b"jam_entropy" + vrf.output(secret, seal), b"")):
            lines.append(f"static const uint8_t {name}{i}[] = {array(data + aux)};")
            proof, output = array(vrf.sign(secret, data, aux)), array(vrf.output(secret, data))
            parts.append(f"{{{name}{i}, {len(data)}, {name}{i} + {len(data)}, {len(aux)}, {proof}, {output}}}")
        rows.append(f"{{{array(vrf.public(secret))}, {', '.join(parts)}}},")
    return "\n".join([*lines, f"#define HEADERS {count}", "static const header_t CASES[HEADERS] = {", *rows, "};\n"])


def measure(flags: list[str], count: int) -> dict[str, int]:
    """Build, run, and what the program printed; with the bytes of code and constants."""
    with new_folder(cache_folder()) as work:
        (work / "cases.h").write_text(cases(count))
        sources = [MODULE / "sha512.c", *sorted(MODULE.glob("bandersnatch_*.c"))]
        # The harness is compiled apart: its flags must not depend on those of the code that is measured.
        plain = [ARCH, ABI, "-mcmodel=medany", "-std=gnu99", "-Wall", "-Werror", "--specs=picolibc.specs"]
        plain += ["-ffunction-sections", "-fdata-sections", f"-I{MODULE}", f"-I{work}"]
        objects = []
        for source in sources:
            objects.append(str(work / f"{source.stem}.o"))
            call([GCC, *plain, *flags, "-c", str(source), "-o", objects[-1]], f"compiling {source.name}", RUN_S)
        small = [flag for flag in flags if "JC_BANDERSNATCH" in flag]
        harness = str(work / "harness.o")
        call([GCC, *plain, *small, "-O2", "-c", str(HARNESS), "-o", harness], "compiling the harness", RUN_S)
        program = str(work / "program")
        link = [LINK_ARCH, ABI, "-nostartfiles", "--specs=picolibc.specs", "-Wl,--gc-sections", "-Wl,-e,_start"]
        link += ["-T", str(work / "link.ld")]
        (work / "link.ld").write_text(
            "SECTIONS { . = 0x80000000; .text : { *(.text.start) *(.text*) } .rodata : { *(.rodata* .srodata*) }"
            " .data : { *(.data* .sdata*) } .bss : { *(.sbss* .bss* COMMON) } }\n"
        )
        call([GCC, *link, harness, *objects, "-o", program], "linking", RUN_S)
        listed = subprocess.run([SIZE, *objects], capture_output=True, text=True, check=True).stdout
        command = [QEMU, "-machine", "virt", "-m", "16M", "-display", "none", "-serial", "stdio", "-monitor", "none"]
        command += ["-bios", "none", "-icount", "shift=0", "-kernel", program]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise ToolError(f"the emulated program took more than {RUN_S} s", 1)
    numbers = {name: int(value) for name, value in (line.split() for line in done.stdout.splitlines())}
    if "key_bytes" not in numbers:
        raise ToolError(f"the emulated program did not end: {done.stderr.strip()[:200]}", 1)
    numbers["code_bytes"] = sum(int(line.split()[0]) for line in listed.splitlines()[1:])
    return numbers


def main(arguments: list[str]) -> int:
    """Measure, print, return the exit status."""
    parser = argparse.ArgumentParser(prog="vrf_mcu.py", description=__doc__.split("\n")[0])
    parser.add_argument("--small", action="store_true", help="the small build (JC_BANDERSNATCH_SMALL=1)")
    parser.add_argument("--flags", default="-Os", help="how the C code is compiled (default -Os, as firmware is)")
    parser.add_argument("--headers", type=int, default=24, help="how many to average over (default 24)")
    parser.add_argument("--json", action="store_true", help="one JSON line instead of the text")
    options = parser.parse_args(arguments)
    if not 1 <= options.headers <= 200:
        parser.error("--headers has to be 1 to 200")
    flags = shlex.split(options.flags) + (["-DJC_BANDERSNATCH_SMALL=1"] if options.small else [])
    try:
        need_tools()
        numbers = measure(flags, options.headers)
    except ToolError as error:
        print(f"vrf_mcu: {error}", file=sys.stderr)
        return error.status
    numbers["bar"] = BAR
    if options.json:
        print(json.dumps(numbers))
    else:
        header = numbers["header"]
        share = header / 1000 / CLOCK_MHZ / SLOT_MS * 100
        print(f"RV32IMAC, {' '.join(flags)}: instructions, average of {numbers['headers']} headers")
        print(f"key decoded        {numbers['key'] / 1e6:6.2f} M")
        print(f"seal verified      {numbers['seal'] / 1e6:6.2f} M")
        print(f"entropy verified   {numbers['entropy'] / 1e6:6.2f} M")
        highest = numbers["highest"] / 1e6
        print(f"header, both VRFs  {header / 1e6:6.2f} M, at most {highest:.2f} M; bar {BAR / 1e6:.0f} M")
        print(f"  {share:.1f} % of a slot of {SLOT_MS // 1000} s at {CLOCK_MHZ} MHz and one instruction a cycle")
        print(f"stack {numbers['stack']} B of {numbers['stack_bound']} B promised")
        print(f"key {numbers['key_bytes']} B, code and constants {numbers['code_bytes']} B")
    if numbers["wrong"]:
        print(f"vrf_mcu: {numbers['wrong']} wrong answers", file=sys.stderr)
    if numbers["stack"] > numbers["stack_bound"]:
        print("vrf_mcu: it takes more stack than bandersnatch.h says", file=sys.stderr)
        return 1
    return 1 if numbers["wrong"] or numbers["highest"] > BAR else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
