"""The native module: built for every processor, and loaded and asked by a MicroPython of this machine's own."""

import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from jamliquor_lite.crypto import vrf
from tests.crypto import vrf_cases as cases
from tests.support import ROOT

pytestmark = pytest.mark.micropython

BUILD_S = 900
RUN_S = 120
NATMOD = str(Path(ROOT, "tools", "natmod"))
MICROPYTHON = str(Path(ROOT, "tools", "micropython"))
# processor: first and last byte count that the small build may have.
SIZES = {"rv32imc": (15_000, 20_000), "armv6m": (13_000, 18_000), "armv7m": (13_000, 18_000)}

ASK = """
import sys
sys.path[:] = [{folder!r}]
import jamvrf
from binascii import hexlify, unhexlify
for public, data, aux, proof in {rows!r}:
    out = bytearray(32)
    answer = jamvrf.vrf_verify(unhexlify(public), unhexlify(data), memoryview(unhexlify(aux)), unhexlify(proof), out)
    print(answer, hexlify(out).decode())
for size in (0, 1, 111, 112, 127, 128, 129, 1000):
    out = bytearray(64)
    jamvrf.sha512(out, bytes(range(250)) * 4 if size == 1000 else bytes(range(size)))
    print(hexlify(out).decode())
for call in (
    lambda: jamvrf.vrf_verify(bytes(31), b"", b"", bytes(96), bytearray(32)),
    lambda: jamvrf.vrf_verify(bytes(32), b"", b"", bytes(97), bytearray(32)),
    lambda: jamvrf.vrf_verify(bytes(32), b"", b"", bytes(96), bytearray(31)),
    lambda: jamvrf.sha512(bytearray(63), b""),
    lambda: jamvrf.sha512(bytes(64), b""),
    lambda: jamvrf.sha512(bytearray(64), 5),
    lambda: jamvrf.vrf_verify(bytes(32)),
    lambda: jamvrf.vrf_check_start(bytearray(8), bytes(32), b"", bytes(96)),
    lambda: jamvrf.vrf_check_update(bytearray(8), b""),
    lambda: jamvrf.vrf_check_finish(bytes(jamvrf.vrf_check_bytes()), bytearray(32)),
):
    try:
        call()
        print("taken")
    except (TypeError, ValueError) as error:
        print(type(error).__name__)
"""


def run(*command, limit_s=BUILD_S):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=limit_s)
    if done.returncode == 2 and not os.environ.get("CI"):
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("processor", SIZES)
def test_it_is_built_for(processor, tmp_path):
    said = run(sys.executable, NATMOD, "build", processor, "--out", str(tmp_path)).split()
    built = (tmp_path / processor / "jamvrf.mpy").read_bytes()
    assert said == [processor, str(len(built)), "bytes", str(tmp_path / processor / "jamvrf.mpy")]
    print(processor, len(built), "bytes")
    assert built[:2] == b"M\x06" and SIZES[processor][0] < len(built) < SIZES[processor][1]


@pytest.mark.parametrize("more", [[], ["--whole"]], ids=["small", "whole"])
@pytest.mark.parametrize(("processor", "bits"), [("x64", 64), ("x86", 32)])
def test_a_micropython_loads_it(processor, bits, more, tmp_path):
    if platform.machine() != "x86_64":
        pytest.skip("no module for this processor's own MicroPython is built")
    run(sys.executable, NATMOD, "build", processor, "--out", str(tmp_path), *more)
    micropython = run(sys.executable, MICROPYTHON, "build", "--bits", str(bits)).strip()
    refused = "00" * 32
    rows, outputs = [], []
    for public, data, aux, proof, output in cases.REAL:
        rows += [(public, data, aux, proof), (public, data, aux + "00", proof)]
        outputs += [output, refused]
    for _, *parts, holds in cases.edges():
        rows.append(tuple(part.hex() for part in parts))
        output = vrf.verify(*parts)
        outputs.append(output.hex() if holds else refused)
    script = ASK.format(folder=str(tmp_path / processor), rows=rows)
    (tmp_path / "ask.py").write_text(script)
    said = run(micropython, "-X", "heapsize=512K", str(tmp_path / "ask.py"), limit_s=RUN_S).split("\n")
    for output, line in zip(outputs, said):
        assert line == f"{output != refused} {output}"
    said = said[len(rows) :]
    for size, line in zip((0, 1, 111, 112, 127, 128, 129, 1000), said):
        data = bytes(range(250)) * 4 if size == 1000 else bytes(range(size))
        assert line == hashlib.sha512(data).hexdigest()
    assert said[8:] == ["ValueError"] * 4 + ["TypeError"] * 3 + ["ValueError"] * 2 + ["TypeError", ""]


SERVE = """
import sys
sys.path[:] = [{folder!r}, {root!r}]
from binascii import unhexlify
from jamliquor_lite.crypto import suite
shown = suite.backends()
print(shown["vrf"], shown["sha512"])
suite.self_test()
print(suite.backends()["vrf"])
for row in {rows!r}:
    public, data, aux, proof, output = [unhexlify(part) for part in row]
    print(suite.vrf_verify(public, data, aux, proof) == output, suite.vrf_verify(public, data, aux + b"x", proof))
    for check in (suite.VrfCheck(public, data, proof), suite.VrfCheck(public, data, proof[:95] + b"\\xff")):
        for at in range(0, len(aux), 50):
            check.update(memoryview(aux)[at : at + 50])
        print(check.finish() == output)
    print(suite.VrfCheck(bytes(32), data, proof).finish())
"""


def test_our_code_takes_it_where_it_lies_in_the_path(tmp_path):
    if platform.machine() != "x86_64":
        pytest.skip("no module for this processor's own MicroPython is built")
    run(sys.executable, NATMOD, "build", "x64", "--out", str(tmp_path))
    micropython = run(sys.executable, MICROPYTHON, "build").strip()
    (tmp_path / "serve.py").write_text(SERVE.format(folder=str(tmp_path / "x64"), root=str(ROOT), rows=cases.REAL))
    said = run(micropython, "-X", "heapsize=2M", str(tmp_path / "serve.py"), limit_s=RUN_S).split("\n")
    assert said[:2] == ["natmod natmod", "natmod"]
    assert said[2:] == ["True None", "True", "False", "None"] * len(cases.REAL) + [""]
    # A file for another processor is no traceback.
    (tmp_path / "x64" / "jamvrf.mpy").write_bytes(b"M\x06\x2f\x1f" + bytes(100))
    said = run(micropython, "-X", "heapsize=2M", str(tmp_path / "serve.py"), limit_s=RUN_S).split("\n")
    pure = "pure (no C in this firmware, no native module jamvrf)"
    assert said[0] == f"{pure} {pure}"


@pytest.mark.parametrize(
    ("words", "said"), [(["z80"], "no processor z80; there are rv32imc, armv6m, armv7m, x64, x86")]
)
def test_wrong_words_are_one_line(words, said):
    done = subprocess.run([sys.executable, NATMOD, "build", *words], capture_output=True, text=True, timeout=RUN_S)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"natmod: {said}\n")
