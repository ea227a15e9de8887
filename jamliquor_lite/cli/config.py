"""`jamliquor-lite config check [FILE]`: what is in force, where each value comes from, and what is wrong."""

import json
import sys

from ..errors import LocalError
from . import settings
from .main import PROGRAM, one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def add_arguments(parser: "argparse.ArgumentParser") -> None:
    """What the command takes."""
    actions = parser.add_subparsers(dest="action", metavar="check")
    check = actions.add_parser("check", help="show the values in force and every mistake")
    check.add_argument("config", metavar="FILE", nargs="?", help="TOML file of settings (default: none)")
    check.add_argument("--json", action="store_true", help="print one JSON line")
    settings.add_network_arguments(check, config_flag=False)


def run(args: "argparse.Namespace") -> int:
    """Print values, warnings and errors. Status 2 when there is an error."""
    if args.action is None:
        raise LocalError(f"say what to do: `{PROGRAM} config check [FILE]`", 2)
    found, errors = settings.inspect(args)
    if args.json:
        values = {name: {"value": value, "from": source} for name, value, source in found.values}
        print(json.dumps({"values": values, "warnings": found.warnings, "errors": errors}))
        return 2 if errors else 0
    width = max(len(name) for name, _, _ in found.values)
    for name, value, source in found.values:
        shown = ", ".join(value) if isinstance(value, list) else str(value)
        print(f"{name:{width}}  {one_line(shown) or '(none)'}  ({one_line(source)})")
    sys.stdout.flush()  # the lines below go to another stream and belong after these
    for text in found.warnings:
        print(f"{PROGRAM}: warning: {one_line(text)}", file=sys.stderr)
    for text in errors:
        print(f"{PROGRAM}: {one_line(text)}", file=sys.stderr)
    return 2 if errors else 0
