"""`jamliquor-lite id`: shows the node's JAM name, its libp2p peer id and its public key."""

from . import identity_lines, keyfile
from .settings import default_key_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def add_arguments(parser: "argparse.ArgumentParser") -> None:
    """What the command takes."""
    parser.add_argument("--file", metavar="F", help="the key file (default: node.key in the data folder)")
    parser.add_argument("--json", action="store_true", help="print one JSON line")


def run(args: "argparse.Namespace") -> int:
    """Read the file and print what others may know of it."""
    path = args.file or default_key_file()
    identity_lines.show(path, keyfile.load(path), args.json)
    return 0
