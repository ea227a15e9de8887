"""What all libp2p connections of one host share: who we are, what we speak, what we demand, and whose memory it is.

Three rules keep a handshake from being talked down to classical cryptography, which multistream alone cannot, for its
names travel in the clear (DESIGN §6):

    policy      `require` offers and accepts the hybrid handshake only, `prefer` offers it first, `off` never offers it
    pin         whoever was hybrid once is never accepted as classical again (the node keeps the list)
    transcript  both sides sign what each of them offered; a name that somebody struck out is missed (noise_payload.py)
"""

from ..const import const
from ..errors import LocalError
from .noise import HYBRID, PLAIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from ..budget.pool import Pool
    from ..budget.profile import Profile
    from .noise import StaticKey

FIRST_OWN = 1000  # kinds from here on are the host's own protocols (identify, ping); below are JAM's

REQUIRE = "require"
PREFER = "prefer"
OFF = "off"
POLICIES = (REQUIRE, PREFER, OFF)

# Our longest words before READY in one piece: the answer to the hybrid's name, then its second message (1,462 bytes).
_LEAST_FRAME_BYTES = const(1536)

_OFFERS = {REQUIRE: [HYBRID], PREFER: [HYBRID, PLAIN], OFF: [PLAIN]}


def offers(policy: str) -> "list[str]":
    """The security protocols of a policy, the preferred one first. LocalError for a policy that does not exist."""
    if policy not in _OFFERS:
        raise LocalError("pq policy %s: allowed are %s" % (policy, ", ".join(POLICIES)), 2)
    return list(_OFFERS[policy])


def _anybody(peer_id: bytes, is_hybrid: bool) -> str:
    return ""


class Terms:
    """`static` is the host's Noise key; `protocols` maps the name of each protocol we serve to its stream kind.

    `judge(peer_id, is_hybrid)` is asked once the peer has proved who it is: "" lets it in, else `rule: reason`.
    `frames` lends buffers for whole Noise frames, `chunks` for what waits in streams. `scratch` is for protocol names.
    """

    def __init__(
        self,
        static: "StaticKey",
        profile: "Profile",
        frames: "Pool",
        chunks: "Pool",
        policy: str = REQUIRE,
        judge: "Callable[[bytes, bool], str]" = _anybody,
    ) -> None:
        if frames.size < _LEAST_FRAME_BYTES:
            raise LocalError("frame_bytes %d: handshakes need at least %d" % (frames.size, _LEAST_FRAME_BYTES), 2)
        self.static = static
        self.profile = profile
        self.frames = frames
        self.chunks = chunks
        self.securities = offers(policy)
        self.policy = policy
        self.judge = judge
        self.protocols: "dict[str, int]" = {}  # name -> kind, for streams that peers open
        self.names: "dict[int, str]" = {}  # kind -> name, for streams that we open
        self.longest_name = 0  # bytes, of those in `protocols`
        self.scratch = memoryview(bytearray(profile.protocol_name_bytes))

    def serve(self, name: str, kind: int) -> None:
        """Take streams of this protocol from peers, and open them as `kind`."""
        self.protocols[name] = kind
        self.longest_name = max(self.longest_name, len(name.encode()))
        self.names[kind] = name

    def speak(self, name: str, kind: int) -> None:
        """Open streams of this protocol as `kind`, and take none."""
        self.names[kind] = name

    def accepts(self, name: str) -> bool:
        """Whether a stream of this protocol is served."""
        return name in self.protocols
