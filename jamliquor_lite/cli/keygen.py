"""`jamliquor-lite keygen`: makes the node's key file."""

from . import identity_lines, keyfile
from .settings import default_key_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def add_arguments(parser: "argparse.ArgumentParser") -> None:
    """What the command takes."""
    parser.add_argument("--file", metavar="F", help="the key file (default: node.key in the data folder)")
    parser.add_argument("--force", action="store_true", help="replace a key file that is there already")
    parser.add_argument("--json", action="store_true", help="print one JSON line")


def run(args: "argparse.Namespace") -> int:
    """Make the file and say whose it is. LocalError when it exists and --force was not given."""
    path = args.file or default_key_file()
    identity_lines.show(path, keyfile.create(path, args.force), args.json)
    return 0
