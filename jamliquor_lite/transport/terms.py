"""What all libp2p connections of one host share: who we are, what we speak, what we demand, and whose memory it is.

Three rules keep a handshake from being talked down to classical cryptography, which multistream alone cannot, for its
names travel in the clear (DESIGN §6):

    policy      `require` offers and accepts the hybrid handshake only, `prefer` offers it first, `off` never offers it
    pin         whoever was hybrid once is never accepted as classical again (the node keeps the list)
    transcript  both sides sign what each of them offered; a name that somebody struck out is missed (noise_payload.py)
"""

from ..budget.classes import QUERIES, SERVING
from ..budget.meter import Meter
from ..budget.pool import Scope
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


class ProtocolScope(Scope):
    """What one protocol takes over all connections, on streams that peers open or on ours: of `chunks`, and `streams`.

    `up` and `down` limit its bytes a second, None where profile.protocol_rate is 0. `cls` is its class of work.
    """

    def __init__(self, cls: int, profile: "Profile", chunks: int) -> None:
        is_urgent = cls <= QUERIES
        super().__init__(chunks if is_urgent else max(2, chunks * profile.protocol_permille // 1000), is_urgent)
        self.cls = cls
        self.streams = Scope(profile.protocol_streams)
        self.up: "Meter | None" = None
        self.down: "Meter | None" = None
        rate = profile.protocol_rate
        if rate:  # a quarter of a second at once: who waits for more looks again ten times a second
            self.up, self.down = Meter(rate, max(1, rate // 4)), Meter(rate, max(1, rate // 4))


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
        # Frames of connections that have not proved who they are: one each way, and half of what is not reserved.
        self.handshaking = Scope(max(1, min(2 * profile.handshakes, (frames.count - frames.reserved) // 2)))
        self.scopes: "dict[int, ProtocolScope]" = {}  # by kind, those of our streams by ~kind; made when first needed
        self._classes: "dict[int, int]" = {}  # by the same, where it is not SERVING
        self.frames = frames
        self.chunks = chunks
        self.securities = offers(policy)
        self.policy = policy
        self.judge = judge
        self.protocols: "dict[str, int]" = {}  # name -> kind, for streams that peers open
        self.names: "dict[int, str]" = {}  # kind -> name, for streams that we open
        self.longest_name = 0  # bytes, of those in `protocols`
        self.scratch = memoryview(bytearray(profile.protocol_name_bytes))

    def serve(self, name: str, kind: int, cls: int = SERVING) -> None:
        """Take streams of this protocol from peers, and open them as `kind`. `cls`: what those of peers are for."""
        self.protocols[name] = kind
        if cls != SERVING:
            self._classes[kind] = cls
        self.longest_name = max(self.longest_name, len(name.encode()))
        self.names[kind] = name

    def speak(self, name: str, kind: int, cls: int = SERVING) -> None:
        """Open streams of this protocol as `kind`, and take none. `cls`: what ours are for."""
        self.names[kind] = name
        if cls != SERVING:
            self._classes[~kind] = cls

    def scope(self, kind: int, is_ours: bool) -> ProtocolScope:
        """What streams of a kind take, those that we open or those of peers."""
        key = ~kind if is_ours else kind
        scope = self.scopes.get(key)
        if scope is None:
            cls = self._classes.get(key, SERVING)
            scope = self.scopes[key] = ProtocolScope(cls, self.profile, self.chunks.count)
        return scope

    def accepts(self, name: str) -> bool:
        """Whether a stream of this protocol is served."""
        return name in self.protocols
