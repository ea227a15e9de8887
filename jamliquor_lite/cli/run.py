"""`jamliquor-lite run`: follow a chain, check every header, and answer from proofs."""

import asyncio
import os

from ..chain.levels import VOUCHED_LEVEL
from ..console.log import event_text
from ..crypto import suite
from ..errors import BudgetError, LocalError
from ..node.questions import describe, parse_question
from ..node.status import Status
from ..ports import clock
from . import session as sessions
from . import settings as configuration
from .console import SerialConsole, add_console_argument
from .embedded import EmbeddedDevnet
from .output import Output, add_output_arguments, seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from ..node.questions import Question

_STATUS_SECONDS = 1.0
_ASK_SECONDS = 3.0
_QUIET = ("vouched", "root", "best", "epoch")  # events that a person sees in the status line
_DEV_SLOT_MS = "1000"
_DEV_LISTEN = "/ip4/127.0.0.1/tcp/0"
_DEV_BLOCKS = "40"  # there when the node starts, so that a first look shows it catching up over three epochs
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
    options = ["--slot-ms", _DEV_SLOT_MS, "--accelerated", "--blocks", _DEV_BLOCKS, "--listen", _DEV_LISTEN]
    with EmbeddedDevnet(options) as devnet:
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
    console = SerialConsole(args.console, out) if args.console is not None else None

    def on_event(name: str, fields: "dict[str, Any]") -> None:
        out.event(name, **fields)
        if name not in _QUIET:
            text = event_text(name, fields)
            out.line(text)
            if console is not None:
                console.log.add(clock.ticks_ms(), text)

    is_dev = settings.chain == "dev"
    if is_dev:
        settings.listen_addr = "127.0.0.1"
    trusted = sessions.parse_checkpoint(args.checkpoint)
    session = sessions.Session(settings, chainspec, not is_dev, args.old_checkpoint, out, on_event, trusted)
    for text in addresses:
        session.networks.add_bootnode(text)
    if is_dev:
        session.networks.prefer_lite()
    node = await session.start()
    stop = asyncio.Event()
    sessions.stop_on_signals(stop)
    out.ready(
        addresses=node.addresses,
        chain=node.chain_name,
        genesis=node.chain.genesis_hash,
        pid=os.getpid(), crypto=suite.backends(),
    )
    names = ", ".join("%s…" % carrier.name[:12] for carrier in node.carriers)
    where = ", at " + ", ".join(node.addresses) if node.addresses else ", listening nowhere"
    out.line("following %s as %s%s" % (node.chain_name, names, where))
    if duration is not None:
        asyncio.get_running_loop().call_later(duration, stop.set)
    helpers = [asyncio.create_task(_show(session, out)), asyncio.create_task(_ask(session, questions, out))]
    if console is not None:
        helpers.append(asyncio.create_task(console.run(node)))
    try:
        await node.run(stop)
    finally:
        for task in helpers:
            task.cancel()
    status = Status().read(node)
    out.summary(
        chain=status.chain,
        best_slot=status.best_slot,
        headers_checked=status.headers_checked,
        level=status.level,
        proved_answers=status.proved_answers,
        rss_bytes=sessions.rss_bytes(),
        bytes_in=status.bytes_in,
        bytes_out=status.bytes_out,
        vouched_slot=status.vouched_slot,
        epochs=status.epochs,
        headers_refused=status.headers_refused,
        final=status.final,
        peers_hybrid=status.peers_hybrid,
        peers_classical=status.peers_classical,
        peers_refused=status.peers_refused,
    )
    return 0


async def _show(session: "sessions.Session", out: "Output") -> None:
    status = Status()
    while True:
        await asyncio.sleep(_STATUS_SECONDS)
        status.read(session.node)
        out.status(
            "slot %d %s | vouched %d | %d headers checked | %d proved | %d of %d peers%s | %d KB in, %d KB out"
            % (
                status.best_slot,
                status.level,
                status.vouched_slot,
                status.headers_checked,
                status.proved_answers,
                status.peers,
                status.peers_known,
                _suites(status),
                status.bytes_in // 1024,
                status.bytes_out // 1024,
            )
        )


def _suites(status: Status) -> str:
    text = ", %d hybrid" % status.peers_hybrid if status.peers_hybrid else ""
    return text + (", %d classical" % status.peers_classical if status.peers_classical else "")


async def _ask(session: "sessions.Session", questions: "list[Question]", out: "Output") -> None:
    timeout = session.node.profile.state_sync_timeout_ms
    while questions:
        for question in questions:
            try:
                answer = await session.node.ask(question.start, question.end, VOUCHED_LEVEL, 0, timeout)
            except (LocalError, BudgetError) as error:
                out.event("unanswered", question=question.text, reason=str(error))
                out.line("%s: %s" % (question.text, error))
                continue
            found = describe(question, answer, session.node)
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
