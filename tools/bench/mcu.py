#!/usr/bin/env python3
"""Instructions that the cryptography in C takes on a RISC-V microcontroller; some have to stay below a bar.

    python3 tools/bench/mcu.py [--flags=-Os] [--json]

Each primitive runs without an operating system in QEMU's emulation of RV32IMAC (tools/bench/rv32.py), on keys and data
of which the pure-Python twin has made the answers, which are compared; the dearest of them counts against the bar. The
VRFs of a header are those of tools/bench/vrf_mcu.py.

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

from jamliquor_lite.crypto import blake2b, chacha20poly1305, ed25519, mlkem768, sha512, x25519  # noqa: E402
from tools import sources  # noqa: E402
from tools.bench import rv32, vrf_mcu  # noqa: E402
from tools.building import ToolError, cache_folder, new_folder  # noqa: E402

BARS = {"Ed25519 verify 64 B": 3_300_000, "X25519": 2_300_000, "ML-KEM-768 encapsulate": 1_400_000}
MODULE = ROOT / "firmware" / "cmodules" / "jamcrypto"
PARTS = ("aead", "ed25519", "keccak", "mlkem768", "monocypher_unit", "pqclean_verify_unit", "sha512", "wipe", "x25519")
HEADER = "header, both VRFs"
CASES = 12
CLOCK_MHZ = 150


def case(dice: random.Random) -> "dict[str, bytes]":
    """Keys and data, with the answers of the pure twins."""
    seed, data, peer = dice.randbytes(32), dice.randbytes(1024), x25519.public(dice.randbytes(32))
    public, secret = mlkem768.keypair(data[:64])
    pair = mlkem768.encapsulate(public, seed)
    assert pair is not None
    sealed = bytearray(1024 + 16)
    short = bytearray(64 + 16)
    chacha20poly1305.Aead(seed).seal(0, data[:32], data, 0, 1024, sealed, 0)
    chacha20poly1305.Aead(seed).seal(0, data[:32], data, 0, 64, short, 0)
    return {
        "seed": seed, "data": data, "sha512": sha512.sha512(data),
        "blake2b": blake2b.blake2b_256(data), "blake2b_short": blake2b.blake2b_256(data[:32]),
        "sealed": bytes(sealed), "tag": bytes(sealed[1024:]), "sealed_short": bytes(short),
        "x25519_public": x25519.public(seed), "x25519_peer": peer, "x25519_shared": x25519.exchange(seed, peer),
        "ed25519_public": ed25519.public(seed), "ed25519_signature": ed25519.sign(seed, data[:64]),
        "mlkem_public": public, "mlkem_secret": mlkem768.expand(secret), "mlkem_ciphertext": pair[0],
        "mlkem_shared": pair[1],
    }  # fmt: skip


def cases(count: int) -> str:
    """All of them, as a header in C."""
    dice = random.Random(11)
    made = [case(dice) for _ in range(count)]
    fields = " ".join(f"uint8_t {name}[{len(value)}];" for name, value in made[0].items())
    rows = ["{" + ",\n".join(rv32.array(value) for value in row.values()) + "}," for row in made]
    return "\n".join(
        [
            "#include <stdint.h>", f"#define CASES {count}", f"typedef struct {{ {fields} }} case_t;",
            "static const case_t cases[CASES] = {", *rows, "};\n",
        ]
    )  # fmt: skip


def measure(flags: "list[str]", count: int = CASES) -> "dict[str, int]":
    """What mcu.c prints. ToolError."""
    cache = cache_folder()
    pqclean = sources.need("pqclean", cache)
    kem = pqclean / "crypto_kem" / "ml-kem-768" / "clean"
    folders = (sources.need("monocypher", cache), kem, pqclean / "common")
    places = [f"-I{MODULE}", *[word for folder in folders for word in ("-isystem", str(folder))]]
    with new_folder(cache) as work:
        (work / "cases.h").write_text(cases(count))
        files = [MODULE / f"{name}.c" for name in PARTS]
        return rv32.measure(work, Path(__file__).with_suffix(".c"), files, flags, places, ["-DBLAKE2_NO_UNROLLING"])


def table(numbers: "dict[str, int]") -> "list[tuple[str, int, int, int, int]]":
    """(name, average, highest, stack, bar or 0) of each primitive."""
    names = [name.removesuffix(" average") for name in numbers if name.endswith(" average")]
    return [
        (name, *[numbers[f"{name} {what}"] for what in ("average", "highest", "stack")], BARS.get(name, 0))
        for name in names
    ]


def line(name: str, average: int, highest: int, stack: int, bar: int) -> str:
    """A row for people."""
    limit = f"bar {bar:,}" if bar else ""
    said = f"{name:<24}{average:>12,}{highest:>12,}{highest / 1000 / CLOCK_MHZ:>7.2f} ms{stack:>7,} B stack  {limit}"
    return (said + (" is passed" if bar and highest > bar else "")).rstrip()


def main(arguments: "list[str]") -> int:
    """Measure, print, return the exit status."""
    parser = argparse.ArgumentParser(prog="mcu.py", description=__doc__.split("\n")[0])
    parser.add_argument("--flags", default="-Os", help="how the C code is compiled (default -Os, as firmware is)")
    parser.add_argument("--json", action="store_true", help="one JSON line instead of the table")
    words = parser.parse_args(arguments)
    flags = shlex.split(words.flags)
    try:
        rv32.need_tools()
        numbers = measure(flags)
        seals = vrf_mcu.measure(flags, CASES)
    except ToolError as error:
        print(f"mcu: {error}", file=sys.stderr)
        return error.status
    rows = table(numbers)
    rows.append((HEADER, seals["header"], seals["highest"], seals["stack"], vrf_mcu.BAR))
    wrong = numbers["wrong"] + seals["wrong"]
    if words.json:
        keys = ("average", "highest", "stack", "bar")
        made = {name: dict(zip(keys, values)) for name, *values in rows}
        print(json.dumps({"rows": made, "wrong": wrong, "code": numbers["code"], "vrf_code": seals["code"]}))
    else:
        print(f"RV32IMAC, {words.flags}: instructions, average and highest; ms if one takes a cycle at {CLOCK_MHZ} MHz")
        for row in rows:
            print(line(*row))
        print(f"code and constants {numbers['code']:,} B without the VRF, which has {seals['code']:,} B")
    if wrong:
        print(f"mcu: {wrong} wrong answers", file=sys.stderr)
    return 1 if wrong or any(bar and highest > bar for _, _, highest, _, bar in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
