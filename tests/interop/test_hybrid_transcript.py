"""The hybrid handshake of the package and that of libp2p/js, of the same secrets: the same bytes throughout.

libp2p/js/noise_xxhfs.mjs was written from the texts over other primitives; neither was made from the other.
"""

import json
import os
import random
import subprocess

import pytest

from jamliquor_lite.crypto.suite import use, x25519_public
from jamliquor_lite.transport.noise import MAX_HANDSHAKE
from jamliquor_lite.transport.noise_pattern import Pattern

from .libp2p_install import install_js
from .libp2p_peers import require

pytestmark = pytest.mark.interop

ROUNDS = 12
SEED = 20261125
SIZES = {
    "s_i": 32, "s_r": 32, "e_i": 32, "e_r": 32, "kem_seed": 64, "kem_random": 32,
    "payload_i": None, "payload_r": None,
}


def drawn() -> "list[dict[str, bytes]]":
    """Secrets and payloads of ROUNDS handshakes, the same in every run."""
    source = random.Random(SEED)
    return [
        {name: source.randbytes(source.randrange(400) if size is None else size) for name, size in SIZES.items()}
        for _ in range(ROUNDS)
    ]


def ours(given: "dict[str, bytes]") -> "dict[str, object]":
    """What js/transcript.mjs says, computed here."""
    initiator = Pattern(
        given["s_i"], x25519_public(given["s_i"]), True, True, given["e_i"] + given["kem_seed"]
    )
    responder = Pattern(
        given["s_r"], x25519_public(given["s_r"]), False, True, given["e_r"] + given["kem_random"]
    )
    sides, messages = [initiator, responder], []
    for payload in (b"", given["payload_r"], given["payload_i"]):
        buf = bytearray(MAX_HANDSHAKE)
        at = sides[0].write_head(buf, 0)
        buf[at : at + len(payload)] = payload
        end = sides[0].write_payload(buf, at, at + len(payload))
        messages.append(bytes(buf[:end]).hex())
        sides[1].read_payload(buf, sides[1].read_head(buf, 0, end), end)
        sides.reverse()
    first, second = initiator.split()
    return {
        "messages": messages,
        "handshake_hash": initiator.hash.hex(),
        "initiator_key": first.hex(),
        "responder_key": second.hex(),
    }


def test_two_implementations_of_the_hybrid_say_the_same() -> None:
    require("pq")
    program = install_js("transcript.mjs")
    cases = drawn()
    lines = [json.dumps({name: value.hex() for name, value in given.items()}) for given in cases]
    done = subprocess.run(
        program.argv, env={**os.environ, **program.environment}, input="\n".join(lines) + "\n",
        capture_output=True, text=True, timeout=120, check=True,
    )
    theirs = [json.loads(line) for line in done.stdout.splitlines()]
    with use("mlkem768", "pure"):  # natives draw what encapsulation takes themselves
        assert theirs == [ours(given) for given in cases]
