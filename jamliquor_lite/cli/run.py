"""`jamliquor-lite run`: follow a chain, check every header, and answer from proofs."""

import asyncio

from ..chain.levels import VOUCHED_LEVEL
from ..console.log import event_text
from ..errors import BudgetError, LocalError
from ..node.questions import describe, parse_question
from ..node.status import Status
from ..ports import clock
from . import session as sessions
from . import settings as configuration
from .console import SerialConsole, add_console_argument
from .embedded import EmbeddedDevnet
from .output import Output, add_output_arguments, seconds
from .running import DEV_LISTEN, DEV_OPTIONS, Running

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from ..node.node import Node
    from ..node.questions import Question

_ASK_SECONDS = 3.0
_QUIET = ("vouched", "root", "best", "epoch")  # events that a person sees in the status line
_SHOWN_CHARACTERS = 60


def add_arguments(parser: "argparse.ArgumentParser") -> None:
    configuration.add_network_arguments(parser)
    add_output_arguments(parser)
    parser.add_argument(
        "--ask",
        metavar="QUESTION",
        action="append",
        default=[],
        help="ask for this again and again, e.g. 'service 0' or 'key HEX31'",
    )
    add_console_argument(parser)
    sessions.add_checkpoint_arguments(parser)


def run(args: "argparse.Namespace") -> int:
    duration = seconds(args)
    settings = configuration.load(args)
    questions = [parse_question(text.split()) for text in args.ask]
    out = Output(args.json)
    for warning in settings.warnings:
        out.warn(warning)
    if settings.chain != "dev":
        return asyncio.run(_follow(args, settings, settings.chain, [], questions, duration, out))
    with EmbeddedDevnet([*DEV_OPTIONS, "--listen", DEV_LISTEN]) as devnet:
        questions = questions or [parse_question(["service", "1"]), parse_question(["slot"])]
        return asyncio.run(
            _follow(
                args, settings, devnet.ready["chainspec"], devnet.ready["addresses"], questions, duration, out
            )
        )


async def _follow(
    args: "argparse.Namespace",
    settings: "configuration.Settings",
    chainspec: str,
    addresses: "list[str]",
    questions: "list[Question]",
    duration: "float | None",
    out: "Output",
) -> int:
    console = SerialConsole(args.console, args.console_status, out) if args.console is not None else None

    def on_event(name: str, fields: "dict[str, Any]") -> None:
        out.event(name, **fields)
        if name not in _QUIET:
            text = event_text(name, fields)
            out.line(text)
            if console is not None:
                console.log.add(clock.ticks_ms(), text)

    running = Running(args, settings, chainspec, addresses, out, on_event)
    if running.is_dev:
        running.session.networks.prefer_lite()
    node = await running.session.start()
    running.ready()
    names = ", ".join("%s…" % carrier.name[:12] for carrier in node.carriers)
    where = ", at " + ", ".join(node.addresses) if node.addresses else ", listening nowhere"
    out.line("following %s as %s%s" % (node.chain_name, names, where))
    helpers = [_ask(node, questions, out)]
    if console is not None:
        helpers.append(console.run(node))
    await running.until_stopped(duration, _line, *helpers)
    running.summarize(_more)
    return 0


def _line(status: Status) -> str:
    return "slot %d %s | vouched %d | %d headers checked | %d proved | %d of %d peers%s" % (
        status.best_slot,
        status.level,
        status.vouched_slot,
        status.headers_checked,
        status.proved_answers,
        status.peers,
        status.peers_known,
        _suites(status),
    )


def _more(status: Status) -> "dict[str, Any]":
    return {"proved_answers": status.proved_answers, "vouched_slot": status.vouched_slot, "epochs": status.epochs,
            "final": status.final}


def _suites(status: Status) -> str:
    text = ", %d hybrid" % status.peers_hybrid if status.peers_hybrid else ""
    return text + (", %d classical" % status.peers_classical if status.peers_classical else "")


async def _ask(node: "Node", questions: "list[Question]", out: "Output") -> None:
    timeout = node.profile.state_sync_timeout_ms
    while questions:
        for question in questions:
            try:
                answer = await node.ask(question.start, question.end, VOUCHED_LEVEL, 0, timeout)
            except (LocalError, BudgetError) as error:
                out.event("unanswered", question=question.text, reason=str(error))
                out.line("%s: %s" % (question.text, error))
                continue
            found = describe(question, answer, node)
            out.event("proved", **found)
            shown = str(found["shown"])
            out.line(
                "proved: %s = %s (slot %d, %s, support %d/%d, %d bytes of proof)"
                % (
                    question.text,
                    shown if len(shown) <= _SHOWN_CHARACTERS else shown[:_SHOWN_CHARACTERS] + "…",
                    found["slot"],
                    found["level"],
                    found["support"],
                    found["validators"],
                    found["proof_bytes"],
                )
            )
        await asyncio.sleep(_ASK_SECONDS)
