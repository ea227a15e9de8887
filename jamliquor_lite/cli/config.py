"""`jamliquor-lite config check [FILE]`: what is in force, where each value comes from, and what is wrong."""

import json
import sys

from ..budget import check
from ..errors import LocalError
from . import epoch, settings
from .main import PROGRAM, one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from ..budget.profile import Profile

_ROW = "%12d  %s"


def add_arguments(parser: "argparse.ArgumentParser") -> None:
    """What the command takes."""
    actions = parser.add_subparsers(dest="action", metavar="check")
    checked = actions.add_parser("check", help="show the values in force, what memory they add up to, every mistake")
    checked.add_argument("config", metavar="FILE", nargs="?", help="TOML file of settings (default: none)")
    checked.add_argument("--json", action="store_true", help="print one JSON line")
    checked.add_argument("--gateway", action="store_true", help="as `gateway` would take them, and not `run`")
    settings.add_network_arguments(checked, config_flag=False)


def run(args: "argparse.Namespace") -> int:
    """Print values, warnings and errors. Status 2 when there is an error."""
    if args.action is None:
        raise LocalError(f"say what to do: `{PROGRAM} config check [FILE]`", 2)
    found, errors = settings.inspect(args, serves=args.gateway)
    if not errors:
        errors += _following(found)
    rows = check.rows(found.profile, has_quic=found.has_link("quic"), serves=args.gateway)
    if args.json:
        values = {name: {"value": value, "from": source} for name, value, source in found.values}
        memory = [{"what": what, "count": count, "bytes": size} for what, count, size in rows]
        print(json.dumps({"values": values, "memory": memory, "warnings": found.warnings, "errors": errors}))
        return 2 if errors else 0
    width = max(len(name) for name, _, _ in found.values)
    for name, value, source in found.values:
        shown = ", ".join(value) if isinstance(value, list) else str(value)
        print(f"{name:{width}}  {one_line(shown) or '(none)'}  ({one_line(source)})")
    print()
    for line in _sum(found.profile, rows):
        print(line)
    sys.stdout.flush()  # the lines below go to another stream and belong after these
    for text in found.warnings:
        print(f"{PROGRAM}: warning: {one_line(text)}", file=sys.stderr)
    for text in errors:
        print(f"{PROGRAM}: {one_line(text)}", file=sys.stderr)
    return 2 if errors else 0


def _following(found: "settings.Settings") -> "list[str]":
    """What the settings leave too little for, where it is known which chain they are for."""
    if found.chain == "dev":
        return []
    from ..chain.chainspec import ChainSpec  # who checks the settings of no chain need not load it

    try:
        checkpoint = ChainSpec.read(found.chain).checkpoint()
        epoch.refuse(found, checkpoint)
    except LocalError as error:
        return [str(error)]
    return [found.blame(field, text) for field, text in epoch.faults(found, checkpoint)]


def _sum(profile: "Profile", rows: "list[check.Row]") -> "Iterator[str]":
    """What the profile may take of memory, a line for each part, the largest first, and the sum."""
    yield "memory that may be in use at the same time, in bytes:"
    for what, count, size in sorted(rows, key=lambda row: -row[1] * row[2]):
        yield _ROW % (count * size, what if count == 1 else f"{what}, {count} x {size}")
    yield _ROW % (profile.code_bytes, "the interpreter and the code")
    yield _ROW % (check.total(rows) + profile.code_bytes, "in all")
    if profile.memory_bytes:
        yield _ROW % (profile.memory_bytes, "are allowed (memory_bytes)")
    else:
        yield "nobody said how much is allowed: name a --board, or give --memory-mb"
