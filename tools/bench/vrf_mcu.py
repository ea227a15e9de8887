#!/usr/bin/env python3
"""Instructions that checking a header's two VRFs takes on a RISC-V microcontroller, which has to stay below a bar.

    python3 tools/bench/vrf_mcu.py [--small] [--flags=-Os] [--headers N] [--json]

The C code of firmware/cmodules/jamcrypto runs without an operating system in QEMU (tools/bench/rv32.py). Every header
is real in form, its seals are made by the pure-Python code, both outputs are compared, and a forged proof is refused.

Exit status: 0 good, 1 above a bar, a wrong answer or a failed build, 2 wrong words or a missing compiler.
"""

import argparse
import json
import random
import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from jamliquor_lite.crypto import vrf
from tools.bench.rv32 import array, need_tools
from tools.bench.rv32 import measure as measure_on_rv32
from tools.building import ToolError, cache_folder, new_folder

BAR = 13_000_000  # instructions a header, the key's decoding included
MODULE = ROOT / "firmware" / "cmodules" / "jamcrypto"
HARNESS = Path(__file__).with_suffix(".c")
SLOT_MS = 6_000
CLOCK_MHZ = 150
UNSIGNED_BYTES = 201  # of a plain header without its seal


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
    """What vrf_mcu.c prints, and the bytes of code and constants. ToolError."""
    settings = [flag for flag in flags if "JC_BANDERSNATCH" in flag]  # the harness has to know how large a key is
    with new_folder(cache_folder()) as work:
        (work / "cases.h").write_text(cases(count))
        sources = [MODULE / "sha512.c", *sorted(MODULE.glob("bandersnatch_*.c"))]
        return measure_on_rv32(work, HARNESS, sources, flags, [f"-I{MODULE}"], settings)


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
        print(f"key {numbers['key_bytes']} B, code and constants {numbers['code']} B")
    if numbers["wrong"]:
        print(f"vrf_mcu: {numbers['wrong']} wrong answers", file=sys.stderr)
    if numbers["stack"] > numbers["stack_bound"]:
        print("vrf_mcu: it takes more stack than bandersnatch.h says", file=sys.stderr)
        return 1
    return 1 if numbers["wrong"] or numbers["highest"] > BAR else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
