"""`jamliquor-lite run`: follow a chain, check every header, and answer from proofs."""

import asyncio

from ..console.log import event_text
from ..errors import LocalError
from ..node.questions import parse_question
from ..node.status import NOT_SERVED, Status
from . import asks, watches
from . import session as sessions
from . import settings as configuration
from .console import Consoles, add_console_argument
from .embedded import EmbeddedDevnet
from .knobs import EPOCH
from .output import Output, add_output_arguments, seconds
from .running import DEV_LISTEN, DEV_OPTIONS, Running

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from ..node.questions import Question

_QUIET = ("vouched", "root", "best", "epoch")  # events that a person sees in the status line


def add_arguments(parser: "argparse.ArgumentParser") -> None:
    configuration.add_network_arguments(parser)
    add_output_arguments(parser)
    asks.add_ask_argument(parser)
    watches.add_watch_arguments(parser)
    add_console_argument(parser)
    sessions.add_checkpoint_arguments(parser)


def run(args: "argparse.Namespace") -> int:
    duration = seconds(args)
    settings = configuration.load(args)
    questions = asks.read(args)
    items = watches.read(args)
    if items and settings.mode == EPOCH:
        raise LocalError("--watch needs headers, and in mode epoch none are followed; allowed are full, idle and auto",
                         2)
    out = Output(args.json)
    for warning in settings.warnings:
        out.warn(warning)
    if settings.chain != "dev":
        return asyncio.run(_follow(args, settings, settings.chain, [], questions, items, duration, out))
    with EmbeddedDevnet([*DEV_OPTIONS, "--finality", "--listen", DEV_LISTEN]) as devnet:
        questions = questions or [parse_question(["service", "1"]), parse_question(["slot"])]
        return asyncio.run(
            _follow(
                args, settings, devnet.ready["chainspec"], devnet.ready["addresses"], questions, items, duration, out
            )
        )


async def _follow(
    args: "argparse.Namespace",
    settings: "configuration.Settings",
    chainspec: str,
    addresses: "list[str]",
    questions: "list[Question]",
    items: "list[Question]",
    duration: "float | None",
    out: "Output",
) -> int:
    kept = "" if settings.chain == "dev" else settings.data_dir
    consoles = Consoles(args.console, args.console_status, kept, out)

    def on_event(name: str, fields: "dict[str, Any]") -> None:
        out.event(name, **fields)
        if name not in _QUIET:
            text = watches.change_text(fields) if name == "watch_change" else event_text(name, fields)
            out.line(text)
            consoles.say(text)

    running = Running(args, settings, chainspec, addresses, out, on_event)
    if running.is_dev:
        running.session.networks.prefer_lite()
    node = await running.session.start()
    watches.start(node, items)
    running.ready()
    names = ", ".join("%s…" % carrier.name[:12] for carrier in node.carriers)
    where = ", at " + ", ".join(node.addresses) if node.addresses else ", listening nowhere"
    out.line("following %s as %s%s" % (node.chain_name, names, where) if settings.mode != EPOCH else
             "asleep between the epochs of %s, following no headers" % node.chain_name)
    await running.until_stopped(duration, _line, asks.ask(node, questions, out), consoles.run(node))
    running.summarize(_more)
    return 0


def _line(status: Status) -> str:
    return "slot %d %s | vouched %d%s | %d headers checked | %d proved | %d of %d peers%s" % (
        status.best_slot,
        status.level,
        status.vouched_slot,
        "" if status.final == NOT_SERVED else " | final " + status.final,
        status.headers_checked,
        status.proved_answers,
        status.peers,
        status.peers_known,
        _suites(status),
    )


def _more(status: Status) -> "dict[str, Any]":
    return {"proved_answers": status.proved_answers, "vouched_slot": status.vouched_slot, "epochs": status.epochs,
            "final": status.final,
            **({"final_slot": status.final_slot, "set_id": status.set_id} if status.final != NOT_SERVED else {})}


def _suites(status: Status) -> str:
    text = ", %d hybrid" % status.peers_hybrid if status.peers_hybrid else ""
    text += ", %d classical" % status.peers_classical if status.peers_classical else ""
    return text + (", attested " + status.attested if status.attested else "")
