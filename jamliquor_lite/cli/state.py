"""`jamliquor-lite state`: ask for a value of the state once; print it with its proof's standing, or say why not."""

import asyncio
import json
import sys

from ..chain.levels import FINAL, NAMES, SEALED, VOUCHED_LEVEL, level_by_name
from ..errors import LocalError
from ..node.finality import serves
from ..node.questions import FORMS, describe, parse_question
from . import session as sessions
from . import settings as configuration
from . import start as starts
from .output import Output
from .warp import Way

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from ..node.questions import Question

_SECONDS = "30"


def add_arguments(parser: "argparse.ArgumentParser") -> None:
    parser.add_argument("question", nargs="+", metavar="WORD", help="one of: " + "; ".join(FORMS))
    parser.add_argument(
        "--level",
        default=NAMES[VOUCHED_LEVEL],
        metavar="LEVEL",
        help="what the committing header must be: sealed, vouched, or final where the chainspec names a format of "
        "finality (default vouched)",
    )
    parser.add_argument(
        "--support", default="0", metavar="K", help="and how many authors must stand behind it"
    )
    parser.add_argument(
        "--seconds", default=_SECONDS, metavar="N", help="give up after N seconds (default 30)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    sessions.add_checkpoint_arguments(parser)
    configuration.add_network_arguments(parser)


def run(args: "argparse.Namespace") -> int:
    question = parse_question(args.question)
    level = level_by_name(args.level)
    if level not in (SEALED, VOUCHED_LEVEL, FINAL):
        raise LocalError("--level %s: must be sealed, vouched or final" % args.level, 2)
    support = int(args.support) if args.support.isascii() and args.support.isdigit() else -1
    if support < 0:
        raise LocalError("--support %s: must be a whole number, 0 or more" % args.support, 2)
    try:
        seconds = float(args.seconds)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 86400:
        raise LocalError("--seconds %s: must be a number above 0 and at most 86400" % args.seconds, 2)
    settings = configuration.load(args)
    if settings.chain == "dev":
        raise LocalError(
            "state needs --chain CHAINSPEC: the embedded dev chain lives inside `run`, and `devnet` "
            "writes the chainspec of a lasting one with --chainspec-out",
            2,
        )
    out = Output(False, sys.stderr if args.json else None)  # standard output has the object and nothing else
    for warning in settings.warnings:
        out.warn(warning)
    found = asyncio.run(_ask(args, settings, question, level, support, seconds, out))
    if args.json:
        print(json.dumps(found, default=bytes.hex, separators=(",", ":")))
    else:
        _print(found)
    return 0


async def _ask(
    args: "argparse.Namespace",
    settings: "configuration.Settings",
    question: "Question",
    level: int,
    support: int,
    seconds: float,
    out: "Output",
) -> "dict[str, Any]":
    reasons: "list[str]" = []

    def on_event(name: str, fields: "dict[str, Any]") -> None:
        if name == "peer_left" and len(reasons) < 4 and fields["reason"] not in reasons:
            reasons.append(fields["reason"])

    settings.listen_port = 0  # a node may be running beside us
    start = starts.parse(args.checkpoint)
    session = sessions.Session(settings, settings.chain, True, args.old_checkpoint, out, on_event, start, guest=True,
                               way=Way(args.sync, args.strict))
    if support > session.checkpoint.spec.validators:
        raise LocalError(
            "--support %d: the chain has %d validators" % (support, session.checkpoint.spec.validators), 2
        )
    if level == FINAL and not serves(session.checkpoint):
        raise LocalError(
            "--level final: this chainspec names no format of finality, so final is not served; allowed are sealed and "
            "vouched", 2
        )
    node = await session.start()
    stop = asyncio.Event()
    sessions.stop_on_signals(stop)
    running = asyncio.create_task(node.run(stop))
    asking = asyncio.create_task(
        node.ask(question.start, question.end, level, support, int(seconds * 1000))
    )
    try:
        await asyncio.wait((running, asking), return_when=asyncio.FIRST_COMPLETED)
        if not asking.done():
            raise LocalError("interrupted before an answer came")
        return describe(question, asking.result(), node)
    except LocalError as error:
        if reasons and node.chain.headers_checked == 0:
            raise LocalError("%s (%s)" % (error, "; ".join(reasons)), error.exit_code) from None
        raise
    finally:
        stop.set()
        asking.cancel()
        await asyncio.wait((running,))


def _print(found: "dict[str, Any]") -> None:
    for key, value in found.get("entries", ()):
        print("%s = %s" % (key, value if value is not None else "(long)"))
    print("%s = %s" % (found["question"], found["shown"]))
    print(
        "proved by header %s of slot %d: %s, support %d/%d, %d slots behind the head, %d bytes of proof, from %s…"
        % (
            found["committed_by"].hex()[:16],
            found["committed_in"],
            found["level"],
            found["support"],
            found["validators"],
            found["age_slots"],
            found["proof_bytes"],
            found["peer"][:12],
        )
    )
