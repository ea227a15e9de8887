"""What a command that follows a chain loads at its start, and what it leaves out."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KNOWN = {  # of b"abc": FIPS 180-4, and RFC 7693 with a digest of 32 bytes
    "sha512": "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    "blake2b_256": "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319",
}


def python(text):
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize("command", ["run", "state"])
def test_openssl_is_not_loaded_beside_the_one_that_quic_brings(command):
    found = python(
        "import sys\n"
        "from jamliquor_lite.cli import main\n"
        f"main.load('{command}')\n"
        "from jamliquor_lite.crypto import suite\n"
        "suite.self_test()\n"
        "assert 'aioquic' not in sys.modules, 'a node on libp2p alone does without'\n"
        "import jamliquor_lite.node.quic\n"
        "print(*(name in sys.modules for name in ('ssl', '_ssl', '_hashlib', 'asyncio', 'aioquic.quic.connection')))\n"
        "print(suite.sha512(b'abc').hex(), suite.blake2b_256(b'abc').hex())\n"
    )
    assert found == ["False", "False", "False", "True", "True", *KNOWN.values()]


def test_what_a_process_has_loaded_already_is_left_alone():
    found = python(
        "import asyncio, hashlib, ssl, sys\n"
        "before = asyncio, hashlib, ssl, sys.modules['_hashlib']\n"
        "from jamliquor_lite.cli import main\n"
        "main.load_asyncio()\n"
        "print(before == (asyncio, hashlib, ssl, sys.modules['_hashlib']))\n"
    )
    assert found == ["True"]
