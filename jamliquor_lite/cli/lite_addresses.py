"""What of a multiaddr this version can use: which it can dial, which it can listen on."""

from ..errors import VerifyError
from ..node.places import SERIAL
from ..p2p import multiaddr
from .addresses import AddressError, peer_id_fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..p2p.multiaddr import Multiaddr as Parsed
    from .addresses import Multiaddr


def dial_fault(address: "Multiaddr") -> str:
    """Why this well-formed multiaddr cannot be dialed; "" when it can."""
    fault = peer_id_fault(address.peer_id)
    if fault:
        return fault
    parsed = multiaddr.parse(address.text)
    if parsed.is_circuit:
        return "it goes through a relay, which this version does not dial"
    if parsed.transport not in ("tcp", "serial"):
        return "it is for %s, and this version dials tcp only" % (parsed.transport or "no transport")
    return ""


def place(address: "Parsed") -> "tuple[str, int]":
    """The place (node/places.py) of an address on this machine or with a numeric host."""
    return (SERIAL + address.host, 0) if address.transport == "serial" else (address.host, address.port)


def parse_listen(text: str) -> "Parsed":
    """A place to listen on over libp2p: `/ip4/A/tcp/P` or `/ip6/A/tcp/P`, port 0 for any, or `/serial/PORT`.

    AddressError otherwise.
    """
    try:
        parsed = multiaddr.parse(text)
    except VerifyError as error:
        raise AddressError(str(error))
    if parsed.transport == "serial" and not parsed.peer_id:
        return parsed
    if not parsed.is_ip or parsed.transport != "tcp" or parsed.is_circuit or parsed.peer_id:
        raise AddressError("allowed is /ip4/ADDRESS/tcp/PORT or /ip6/ADDRESS/tcp/PORT, port 0 for any free one")
    return parsed
