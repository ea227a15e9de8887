"""`jamliquor-lite peers`: the peers that are pinned as post-quantum, and how to let one go."""

import json

from ..errors import LocalError, VerifyError
from ..p2p import keys
from . import settings as configuration
from .knobs import DATA
from .networks import open_pins

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

_FORM = "a peer id, such as 12D3KooW… or bafz…"


def add_arguments(parser: "argparse.ArgumentParser") -> None:
    """What the command takes."""
    actions = parser.add_subparsers(dest="action", metavar="list|unpin")
    shown = actions.add_parser("list", help="show every pinned peer: one that was hybrid once stays hybrid")
    shown.add_argument("--json", action="store_true", help="print one JSON line")
    gone = actions.add_parser("unpin", help="accept a classical handshake of this peer again")
    gone.add_argument("peer", metavar="PEER", help=_FORM)
    for action in (shown, gone):
        action.add_argument("--config", metavar="FILE", help="TOML file of settings")
        action.add_argument(DATA.flag, dest=DATA.dest, metavar="DATA", help="folder of what the node keeps")


def run(args: "argparse.Namespace") -> int:
    """Read the data folder's pins, change them where asked. A running node keeps those it started with."""
    if args.action is None:
        raise LocalError("say what to do: `jamliquor-lite peers list` or `jamliquor-lite peers unpin PEER`", 2)
    found = configuration.load(args)
    pins = open_pins(found.data_dir, found.profile)
    if pins.damage:
        raise LocalError(pins.damage)
    if args.action == "unpin":
        try:
            peer_id = keys.parse_peer_name(args.peer)
        except VerifyError as error:
            raise LocalError("peers unpin %s: %s; allowed is %s" % (ascii(args.peer[:80]), error, _FORM), 2)
        if not pins.remove(peer_id):
            raise LocalError("peers unpin: %s is not pinned" % keys.peer_name(peer_id), 2)
        pins.save()
        print("%s: no longer pinned" % keys.peer_name(peer_id))
        return 0
    rows = [(keys.peer_name(peer_id), configured) for peer_id, configured in pins.peers()]
    if args.json:
        print(json.dumps([{"peer": name, "hybrid": True, "configured": configured} for name, configured in rows]))
        return 0
    for name, configured in rows:
        print("%s  hybrid%s" % (name, ", configured" if configured else ""))
    if not rows:
        print("no peer is pinned")
    return 0
