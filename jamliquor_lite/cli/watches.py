"""`--watch ITEM` of a long-running command: parts of the state that are kept, and whose changes are printed."""

from ..errors import LocalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from ..node.node import Node
    from ..node.questions import Question
    from ..node.watching import Watching

_SHOWN_CHARACTERS = 200
_MOST_FILE_BYTES = 4 * 1024 * 1024


def add_watch_arguments(parser: "argparse.ArgumentParser") -> None:
    """`--watch`, which may be given more than once, and `--watch-file`."""
    parser.add_argument(
        "--watch",
        metavar="ITEM",
        action="append",
        default=[],
        help="keep this part of the state and print its changes: what `state` can be asked, or `prefix HEX`",
    )
    parser.add_argument(
        "--watch-file", metavar="FILE", help="the same for every line of a file; blank lines and # are skipped"
    )


def read(args: "argparse.Namespace") -> "list[Question]":
    """The items that were given. LocalError (the user's) for one that nobody understands."""
    if not args.watch and args.watch_file is None:
        return []
    from ..node.watching import parse_item  # which nobody else has a use for

    items = [parse_item(text.split()) for text in args.watch]
    if args.watch_file is None:
        return items
    try:
        with open(args.watch_file, encoding="utf-8") as file:
            text = file.read(_MOST_FILE_BYTES + 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise LocalError("--watch-file %s: %s" % (args.watch_file, reason), 2) from None
    if len(text) > _MOST_FILE_BYTES:
        raise LocalError("--watch-file %s: longer than %d bytes" % (args.watch_file, _MOST_FILE_BYTES), 2)
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        try:
            items.append(parse_item(words))
        except LocalError as error:
            raise LocalError("--watch-file %s, line %d: %s" % (args.watch_file, number, error), 2) from None
    if not items:
        raise LocalError("--watch-file %s: nothing to watch in it" % args.watch_file, 2)
    return items


def start(node: "Node", items: "list[Question]") -> "Watching | None":
    """Watch these from now on; None for nothing. LocalError (the user's) where they are too many."""
    if not items:
        return None
    from ..node.watching import Watching

    watching = Watching(node, items)
    watching.start()
    return watching


def change_text(fields: "dict[str, Any]") -> str:
    """A watch_change event as a person reads it."""
    shown = str(fields["shown"])
    if len(shown) > _SHOWN_CHARACTERS:
        shown = shown[:_SHOWN_CHARACTERS] + "…"
    name = fields["item"]
    if name.startswith(("prefix ", "range ")):
        name = "key " + fields["key"].hex()
    return "watched: %s = %s (slot %d, %s, support %d/%d)" % (
        name, shown, fields["slot"], fields["level"], fields["support"], fields["validators"])
