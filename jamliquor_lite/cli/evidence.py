"""What pinned peers signed when they disagreed, as a run keeps it (attest.py): whoever has the file can check it."""

import json

from ..errors import LocalError, RemoteError
from ..node.attesting import Attestation
from ..node.attesting import read as read_attestation
from ..sync.attested import MOST_PEERS, describe
from . import signers
from .start import read

_KIND = "attestations"


def is_one(path: str) -> bool:
    """Whether a file begins like such a one, and not like a checkpoint."""
    return read(path)[:1] == b"{"


def check(path: str) -> "list[str]":
    """One line for each peer: what it signed. LocalError for what is no such file, or where a signature is wrong."""
    try:
        found = json.loads(read(path))
        if found["jamliquor"] != _KIND or len(found["said"]) > MOST_PEERS:
            raise ValueError
        genesis_hash = bytes.fromhex(found["genesis"])
        said = [Attestation(bytes.fromhex(one["ed25519"]), bytes.fromhex(one["challenge"]),
                            bytes.fromhex(one["answer"])) for one in found["said"]]
        if any(len(one.key) != 32 for one in said):
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise LocalError("%s: not what a run keeps of peers that disagree" % path, 2) from None
    lines = ["chain %s" % genesis_hash.hex()]
    for one in said:
        try:
            entries = read_attestation(genesis_hash, one)
        except RemoteError as error:
            raise LocalError("%s: %s: %s" % (path, signers.name(one.key), error)) from None
        lines.append("%s signed: %s" % (
            signers.name(one.key), "; ".join([describe(entry) for entry in entries]) or "no block"))
    return lines
