"""Justifications by a signer in JavaScript over @noble's Ed25519, which knows pull request 6 and nothing of ours: our
verifier agrees with it on each, whatever the pieces in which it comes. No node serves such justifications yet."""

import json
import os
import subprocess

import pytest

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.justification import Justification
from jamliquor_lite.chain.sets import Held
from jamliquor_lite.codec.spec import by_name
from jamliquor_lite.errors import VerifyError

from .foreign import ForeignError
from .libp2p_install import install_js

PATIENCE_S = 120
# By which rule each of those that prove nothing is refused.
RULES = {
    "one third": "votes", "two thirds": "votes", "four and one twice": "votes", "a set that was before": "set_id",
    "another set's signatures": "signature", "another round's signatures": "signature", "prevotes": "signature",
    "removed validators": "voter", "one removed validator": "voter", "another block": "target",
    "one for another state root": "ancestry", "all for another state root": "ancestry",
    "a bit of a signature": "signature", "a descendant that is not shown": "ancestry",
    "a gap in the ancestry": "ancestry", "a header that nobody needs": "ancestry", "another branch": "ancestry",
    "a descendant's slot": "ancestry", "two voted twice instead of another": "votes", "set 0, round 0": "round",
    "a struck-out key": "voter", "cut short": "", "682 of 1023": "votes", "682 and one twice": "votes",
}


@pytest.fixture(scope="module")
def vectors():
    try:
        program = install_js("grandpa_signer.mjs")
    except ForeignError as error:
        pytest.skip(str(error))
    done = subprocess.run(program.argv, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
                          env={**os.environ, **program.environment})
    assert done.returncode == 0, done.stderr
    return {one["name"]: one for one in json.loads(done.stdout)["vectors"]}


def check(vector, step):
    """(rule that was broken or "", the verifier, bytes that it took)."""
    found = Justification(by_name(vector["spec"]), Profile())
    wanted = bytes.fromhex(vector["wanted"]) if vector["wanted"] else None
    found.begin(Held(bytes.fromhex(vector["keys"])), vector["set"], wanted)
    data = bytes.fromhex(vector["data"])
    at = 0
    try:
        while at < len(data) and not found.is_done:
            at += found.feed(data, at, min(len(data), at + step))
    except VerifyError as error:
        return error.rule, found, at
    return "", found, at


def test_there_is_one_of_every_kind(vectors):
    assert len(vectors) == len(RULES) + sum(one["good"] for one in vectors.values()) >= 35
    assert {name for name, one in vectors.items() if not one["good"]} == set(RULES)


@pytest.mark.parametrize("step", [1 << 20, 113, 1])
def test_what_it_signed_holds(vectors, step):
    for name, vector in vectors.items():
        if vector["good"] and (step > 1 or vector["spec"] == "tiny"):
            rule, found, at = check(vector, step)
            assert (rule, found.is_done, 2 * at) == ("", True, len(vector["data"])), name
            assert found.header_hash.hex() == vector["header"] and found.state_root.hex() == vector["root"], name
            assert (found.slot, found.support) == (vector["slot"], vector["support"]), name
            assert (len(found.evidence), found.duplicates) == (vector["evidence"], vector["duplicates"]), name


@pytest.mark.parametrize("step", [1 << 20, 113])
def test_what_proves_nothing_is_refused(vectors, step):
    for name, expected in RULES.items():
        rule, found, _ = check(vectors[name], step)
        assert rule == expected and not found.is_done, name


def test_every_bit_that_was_signed_counts(vectors):
    vector = vectors["five of six"]
    data = bytes.fromhex(vector["data"])
    for at in range(0, len(data), 7):
        bad = bytearray(data)
        bad[at] ^= 1 << at % 8
        rule, found, _ = check({**vector, "data": bytes(bad).hex()}, 1 << 20)
        assert not found.is_done or rule, at
