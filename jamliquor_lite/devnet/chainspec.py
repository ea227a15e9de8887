"""Writes the chain specification of a devnet (JIP-4), so that any client can join it."""

import json
import os

from ..chain.chainspec import FORMAT
from .author import DevChain
from .parameters import encode


def chainspec(chain: DevChain, bootnodes: "list[str]", clock_chain: bool) -> "dict[str, object]":
    """The fields of JIP-4. A key of ours is added where `clock_chain`: slots do not follow the wall clock; and where
    validators vote: in which format."""
    fields: dict[str, object] = {
        "id": f"jamliquor-devnet-{chain.spec.name}",
        "bootnodes": bootnodes,
        "genesis_header": chain.genesis.header.hex(),
        "genesis_state": {key.hex(): value.hex() for key, value in chain.genesis_trie.items()},
        "protocol_parameters": encode(chain.spec).hex(),
    }
    extra = {}
    if clock_chain:
        extra["clock"] = "chain"
    if chain.finality is not None:
        extra["finality"] = FORMAT
    if extra:
        fields["jamliquor"] = extra
    return fields


def write(path: str, chain: DevChain, bootnodes: "list[str]", clock_chain: bool) -> None:
    """Write the file whole or not at all. OSError when it cannot be."""
    partial = path + ".part"
    with open(partial, "w", encoding="ascii") as file:
        json.dump(chainspec(chain, bootnodes, clock_chain), file, indent=1)
        file.write("\n")
    os.replace(partial, path)
