"""Which networks a run uses, who is dialed on each, and where it listens: from settings to carriers.

JAM's own network (QUIC) is loaded only when somebody on it is to be dialed; a node whose peers are all multiaddrs does
without aioquic and its memory.
"""

import os

from ..budget.budgets import Budgets
from ..chain.twoslot import TwoSlot
from ..errors import LocalError
from ..jam.kinds import BLOCK_ANNOUNCEMENT
from ..node.libp2p import Libp2pCarrier
from ..node.pins import Pins
from ..p2p import keys, multiaddr
from ..ports import store
from ..ports.tcp import resolve
from .addresses import AddressError, JamAddress, Multiaddr, parse
from .lite_addresses import dial_fault, place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from ..node.carrier import Carrier
    from .output import Output
    from .settings import Settings

PINS_FILE = "pins"


class Networks:
    """`jam` and `lite` are the peers to dial, without repetitions; both grow by `add_bootnode`.

    A bootnode is taken on a network that the user's own peers are on, or on any where he named none.
    """

    def __init__(self, settings: "Settings", out: "Output") -> None:
        self.jam: "list[JamAddress]" = list(settings.peers)
        self.lite: "list[Multiaddr]" = list(settings.libp2p_peers)
        self.spares: "set[str]" = set()  # names of bootnodes: dialed while there are too few others
        self._settings = settings
        self._out = out
        has_own = bool(self.jam or self.lite)
        self._takes_jam = settings.has_link("quic") and (bool(self.jam) or not has_own)
        self._takes_lite = settings.has_link("tcp") and (bool(self.lite) or not has_own)

    @property
    def is_empty(self) -> bool:
        """Nobody is to be dialed."""
        return not self.jam and not self.lite

    def add_bootnode(self, text: str) -> None:
        """Dial this node of the chainspec too; what is wrong with it is a warning."""
        try:
            peer = parse(text)
        except AddressError as error:
            self._out.warn("chainspec bootnode skipped: %s" % error)
            return
        if isinstance(peer, Multiaddr) and peer.parts[0][0] == "serial":
            self._out.warn("chainspec bootnode skipped: a chainspec opens no serial ports; --peer does")
            return
        if isinstance(peer, JamAddress):
            if self._takes_jam and all(peer.name != known.name for known in self.jam):
                self.jam.append(peer)
                self.spares.add(peer.name)
            return
        fault = dial_fault(peer)
        if fault:
            self._out.warn("chainspec bootnode skipped: %s" % fault)
        elif self._takes_lite and all(peer.text != known.text for known in self.lite):
            self.lite.append(peer)
            self.spares.add(keys.peer_name(keys.parse_peer_name(peer.peer_id)))

    def prefer_lite(self) -> None:
        """Where bootnodes are on both networks, leave JAM's own: the lite one is post-quantum and takes less memory."""
        if self.lite and not self._settings.peers:
            self.jam = []

    async def places(self) -> "list[tuple[str, str, int]]":
        """(name, numeric host, port) of everybody; names are resolved. A peer with several addresses comes as often."""
        found = []
        for peer in self.jam:
            found.append((peer.name, peer.host, peer.port))
        for address in self.lite:
            parsed = multiaddr.parse(address.text)
            name = keys.peer_name(parsed.peer_id)
            if parsed.is_ip or parsed.transport == "serial":
                found.append((name, *place(parsed)))
                continue
            wanted = parsed.family
            for host, port in await resolve(parsed.host, parsed.port):
                if not wanted or (wanted == 6) == (":" in host):
                    found.append((name, host, port))
        return found

    def carriers(
        self, seed: bytes, genesis_hash: bytes, pins: Pins, served: "tuple[int, ...]" = (BLOCK_ANNOUNCEMENT,),
        budgets: "Budgets | None" = None,
    ) -> "list[Carrier]":
        """The carriers of the networks in use, which share `budgets`; not open yet."""
        settings, profile = self._settings, self._settings.profile
        budgets = budgets or Budgets(profile)
        found: "list[Carrier]" = []
        if self.jam:
            from ..node.quic import QuicCarrier

            found.append(QuicCarrier(
                seed, genesis_hash, profile, settings.listen_addr, settings.listen_port, budgets))
        if self.lite or settings.listen:
            listen = [place(address) for address in settings.listen]
            genesis8 = genesis_hash[:4].hex()
            found.append(Libp2pCarrier(seed, genesis8, profile, listen, served, settings.pq, pins, budgets))
        return found


def open_pins(data_dir: str, profile: "Profile", out: "Output | None" = None, read_only: bool = False) -> Pins:
    """The pins kept in the data folder. Damage is a warning: pins are lost, not the node."""
    try:
        os.makedirs(data_dir, mode=0o700, exist_ok=True)
    except OSError as error:
        raise LocalError("cannot make the data folder %s: %s" % (data_dir, error.strerror), 2) from None
    pins = Pins(profile, TwoSlot(store.SlotFile(os.path.join(data_dir, PINS_FILE))), read_only)
    if pins.damage and out is not None:
        out.warn(pins.damage)
    return pins
