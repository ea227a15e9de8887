"""How far it is to a JAM node, in gateways: what the gateways of a mesh tell each other, so that none is asked in vain.

A distance is a hint. What bounds a request is the number of hops that it carries (jam/relayed_request.py).
"""

from ..jam.kinds import BLOCK_REQUEST, JUSTIFICATION_REQUEST, STATE_REQUEST, WARP_SYNC_REQUEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .link import GatewayLink

NOBODY = 255
KINDS = (BLOCK_REQUEST, STATE_REQUEST, JUSTIFICATION_REQUEST, WARP_SYNC_REQUEST)  # a byte each, from the lowest on
_TURNED = 0xFFFF_0000  # so that who says nothing of the last two has nobody for them


def word(distances: "dict[int, int]") -> int:
    """The distances as a block offer carries them (jam/header_announcement.py)."""
    return sum(distances[kind] << 8 * at for at, kind in enumerate(KINDS)) ^ _TURNED


def distances(word: int) -> "dict[int, int]":
    """The distances in such a word."""
    return {kind: (word ^ _TURNED) >> 8 * at & 0xFF for at, kind in enumerate(KINDS)}


def unknown() -> "dict[int, int]":
    """Of who has not said anything."""
    return dict.fromkeys(KINDS, NOBODY)


class Near:
    """Our own distances: `own` says for which kinds we have a JAM node ourselves, `links` what the gateways say of
    theirs. What is further than `hops` is out of reach."""

    def __init__(self, own: "dict[int, bool]", links: "list[tuple[GatewayLink, dict[int, int]]]", hops: int) -> None:
        self._own = own
        self._nearest: "dict[int, list[tuple[int, GatewayLink]]]" = {}  # by kind, two of them: one may not count
        for kind in KINDS:
            found = [(said[kind] + 1, link) for link, said in links if said[kind] < hops]
            self._nearest[kind] = sorted(found, key=lambda pair: pair[0])[:2]

    def beside(self, link: "GatewayLink | None") -> "dict[int, int]":
        """The distances by other ways than through this one."""
        return {kind: self._distance(kind, link) for kind in KINDS}

    def _distance(self, kind: int, link: "GatewayLink | None") -> int:
        if self._own[kind]:
            return 0
        return next((distance for distance, way in self._nearest[kind] if way is not link), NOBODY)
