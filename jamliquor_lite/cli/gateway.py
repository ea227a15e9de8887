"""`jamliquor-lite gateway`: follow JAM full nodes, and serve lite nodes what was checked, and more from upstream."""

import asyncio
import os

from ..chain.chainspec import ChainSpec
from ..console.log import event_text
from ..errors import LocalError, VerifyError
from ..gateway.gateway import Gateway
from ..gateway.upstreams import LEARN, SERVES
from ..jam.kinds import BLOCK_REQUEST, STATE_REQUEST
from ..node.status import Status
from ..p2p import multiaddr
from . import asks
from . import session as sessions
from . import settings as configuration
from .addresses import AddressError, JamAddress, parse
from .console import Consoles, add_console_argument
from .embedded import EmbeddedDevnet
from .knobs import CHAIN, LISTEN, NODES
from .lite_addresses import parse_listen
from .output import Output, add_output_arguments, seconds
from .running import DEV_LISTEN, DEV_OPTIONS, Running

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any, Callable

    from ..budget.budgets import Budgets
    from ..budget.profile import Profile
    from ..chain.checkpoint import Checkpoint
    from ..node.questions import Question

    Hear = Callable[[str, dict[str, Any]], None]
    Save = Callable[["Checkpoint"], None]

_SERIAL_PORTS = 16  # each has a window of its own in memory, and a task
_ABOUT = (
    "Follows JAM full nodes over their own network (QUIC), checks every header, and serves lite nodes over libp2p: "
    "headers, blocks, and proofs of state where an upstream has them. Nobody needs to trust it, since a lite node "
    "checks all. Without --chain it authors a small chain of its own and stands before that."
)
_EXAMPLE = "example: %(prog)s --chain chain.json --upstream e…@192.0.2.7:40000 --listen /ip4/0.0.0.0/tcp/30334"
_QUIET = ("vouched", "root", "best", "epoch", "tickets_adopted", "keys_adopted")


def add_arguments(parser: "argparse.ArgumentParser") -> None:
    parser.description, parser.epilog = _ABOUT, _EXAMPLE
    group = parser.add_argument_group("the gateway")
    group.add_argument(CHAIN.flag, dest=CHAIN.dest, metavar="FILE", help="chainspec of the chain that it is on")
    group.add_argument(
        "--upstream", metavar="NAME@IP:PORT", action="append", default=[],
        help="a JAM full node to follow; may be repeated. Without any, and without --peer, the bootnodes of the "
        "chainspec are followed",
    )
    group.add_argument(
        "--upstream-serves", metavar="WHAT", default=LEARN,
        help="what upstreams answer: `blocks` only, `state` proofs too, or `learn` it by asking each once (default: "
        "learn)",
    )
    group.add_argument(
        LISTEN.flag, dest=LISTEN.dest, metavar="MULTIADDR", action="append",
        help="where lite nodes and other gateways find it, such as /ip4/0.0.0.0/tcp/30334; may be repeated",
    )
    group.add_argument(
        "--serial", metavar="PORT[@BAUD]", action="append", default=[],
        help="serve the board at the other end of this serial port (115200 baud unless it says another); `pty` makes a "
        "pseudo-terminal, socket://IP:PORT dials an emulator's; may be repeated",
    )
    group.add_argument(
        NODES.flag, dest=NODES.dest, metavar="MULTIADDR", action="append",
        help="another gateway: both tell each other of new headers; may be repeated",
    )
    asks.add_ask_argument(parser)
    add_console_argument(parser)
    add_output_arguments(parser)
    sessions.add_checkpoint_arguments(parser)
    configuration.add_network_arguments(parser, without=(CHAIN, LISTEN, NODES))


def run(args: "argparse.Namespace") -> int:
    duration = seconds(args)
    settings = configuration.load(args, serves=True)  # lite nodes come to it
    questions = asks.read(args)
    for text in args.upstream:
        _add_upstream(settings, text)
    _add_serial(settings, args.serial)
    if args.upstream_serves not in SERVES:
        raise LocalError("--upstream-serves %s: must be %s" % (ascii(args.upstream_serves), ", ".join(SERVES)), 2)
    out = Output(args.json)
    for warning in settings.warnings:
        out.warn(warning)
    if settings.chain != "dev":
        if not settings.listen:
            raise LocalError(
                "nowhere to serve: give --listen MULTIADDR, such as /ip4/0.0.0.0/tcp/30334, or --serial PORT", 2)
        if not (settings.peers or settings.libp2p_peers or ChainSpec.read(settings.chain).bootnodes):
            raise LocalError("nobody to follow: give --upstream NAME@IP:PORT, or a chainspec with bootnodes", 2)
        return asyncio.run(_serve(args, settings, settings.chain, [], questions, duration, out))
    if settings.peers or settings.libp2p_peers:
        raise LocalError("upstreams and peers are on some chain: name it by --chain FILE", 2)
    settings.listen = settings.listen or [parse_listen(DEV_LISTEN)]
    with EmbeddedDevnet(DEV_OPTIONS) as devnet:
        ready = devnet.ready
        return asyncio.run(_serve(args, settings, ready["chainspec"], ready["addresses"], questions, duration, out))


def _add_upstream(settings: "configuration.Settings", text: str) -> None:
    try:
        address = parse(text)
        if not isinstance(address, JamAddress):
            raise AddressError("an upstream is on JAM's own network: allowed is NAME@IP:PORT")
    except AddressError as error:
        raise LocalError("--upstream %s: %s" % (ascii(text[:200]), error), 2)
    if not settings.has_link("quic"):
        raise LocalError("--upstream %s: the board %s has no quic link" % (ascii(text[:200]), settings.profile.name), 2)
    if all(address.name != known.name for known in settings.peers):
        settings.peers.append(address)


def _add_serial(settings: "configuration.Settings", texts: "list[str]") -> None:
    if len(texts) > _SERIAL_PORTS:
        raise LocalError("--serial: %d ports, at most %d are taken" % (len(texts), _SERIAL_PORTS), 2)
    for text in texts:
        try:
            address = multiaddr.serial(text)
        except VerifyError as error:
            raise LocalError("--serial %s: %s" % (ascii(text[:200]), error), 2)
        if not settings.has_link("serial"):
            raise LocalError("--serial %s: the board %s has no serial link" % (ascii(text), settings.profile.name), 2)
        if address in settings.listen:
            raise LocalError("--serial %s: the port is named twice" % ascii(text), 2)
        settings.listen.append(address)


async def _serve(
    args: "argparse.Namespace",
    settings: "configuration.Settings",
    chainspec: str,
    addresses: "list[str]",
    questions: "list[Question]",
    duration: "float | None",
    out: Output,
) -> int:
    consoles = Consoles(args.console, args.console_status, "" if settings.chain == "dev" else settings.data_dir, out)

    def on_event(name: str, fields: "dict[str, Any]") -> None:
        out.event(name, **fields)
        if name not in _QUIET:
            text = event_text(name, fields)
            out.line(text)
            consoles.say(text)

    def make(checkpoint: "Checkpoint", profile: "Profile", chain_name: str, hear: "Hear",
             save: "Save | None", budgets: "Budgets") -> Gateway:
        return Gateway(checkpoint, profile, chain_name, hear, save, args.upstream_serves, budgets)

    running = Running(args, settings, chainspec, addresses, out, on_event, make)
    gateway = await running.session.start()
    assert isinstance(gateway, Gateway)
    running.ready(chainspec=os.path.abspath(chainspec))
    served = [address for address in gateway.addresses if address.startswith("/")]
    out.line("gateway of %s at %s" % (gateway.chain_name, ", ".join(served)))
    if running.is_dev:
        out.line("its chain is in %s while this runs" % chainspec)

    def line(status: Status) -> str:
        upstreams = gateway.upstreams
        return "slot %d %s | %d of %d upstreams, state %s | %d peers | %d ranges, %d blocks, %d relayed" % (
            status.best_slot,
            status.level,
            upstreams.connected,
            len(upstreams.records),
            gateway.state_word,
            status.peers - upstreams.connected,
            gateway.ranges_served,
            gateway.blocks.served,
            sum(gateway.relays.done.values()),
        )

    await running.until_stopped(duration, line, asks.ask(gateway, questions, out), consoles.run(gateway))
    running.summarize(lambda status: _more(gateway))
    return 0


def _more(gateway: Gateway) -> "dict[str, Any]":
    relays = gateway.relays
    return {
        "headers_received": gateway.headers_in,
        "ranges_served": gateway.ranges_served,
        "blocks_received": gateway.blocks.blocks_in,
        "blocks_refused": gateway.blocks.refused,
        "blocks_served": gateway.blocks.served,
        "blocks_relayed": relays.done.get(BLOCK_REQUEST, 0),
        "states_relayed": relays.done.get(STATE_REQUEST, 0),
        "requests_declined": sum(relays.declined.values()),
        "upstream_state": gateway.state_word,
    }
