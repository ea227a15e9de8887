"""Which keys to ask by CE 129 so that few answers tell which of many watched keys have changed.

A CE 129 answer is the whole path to a key, whatever of it is known. But it names the hash beside every node of that
path, and what has the hash that it had is unchanged with all that is below. So one key of a group is asked for, and
its path tells of every other group beside it; the smaller the part that changes, the larger a group pays. What is then
still in doubt is asked for by itself. In small sub-tries of a range, and in those that were not known, all is.
"""

from ..chain.witness import Branch, Leaf, high_below, sides
from ..const import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..chain.witness import Gap, Place, Ranges

    Asked = tuple[bytes, bytes]

_FETCH_LEAVES = const(32)  # of a range: so many are about the size of two paths, and are asked for outright
_SPLIT = const(4)  # probes for a larger part of one that has changed
_LEAST_GROUP = const(2)
_MOST_GROUP = const(32)
_MOST_FIRST = const(64)  # probes of the first round, whatever the list holds
_PERMILLE = const(1000)


def group_of(changed_permille: int) -> int:
    """How many keys one probe may speak for: about 2 / sqrt(p), where p of the watched keys change, costs least."""
    group = int(2 / (max(1, changed_permille) / _PERMILLE) ** 0.5)
    return max(_LEAST_GROUP, min(_MOST_GROUP, group))


def plan(gap: "Gap", ranges: "Ranges", group: int, heat: "dict[bytes, int]") -> "list[Asked]":
    """What to ask about a gap, as (start, end). `group`: keys for each probe in the first round, 1 in those after it.
    `heat` has when a watched key changed last: what changed lately is asked for first, and its path tells of the rest.
    """
    found: "list[Asked]" = []
    weight = _weight((gap.before, gap.low, gap.depth, gap.first, gap.after))
    is_first = group > 1
    wide = max(2 * _FETCH_LEAVES if is_first else _FETCH_LEAVES, weight // _SPLIT)
    group = max(group, weight // _MOST_FIRST) if is_first else 1
    waiting: "list[Place]" = [(gap.before, gap.low, gap.depth, gap.first, gap.after)]
    while waiting:
        place = waiting.pop()
        node, low, depth, first, after = place
        if first >= after:
            continue
        weight, is_wide = _weight(place), _is_wide(place, ranges)
        if not isinstance(node, Branch) or (is_wide and not is_first and weight <= _FETCH_LEAVES):
            _all(place, ranges, found)
        elif weight <= (wide if is_wide else group):
            key = _pick(place, ranges, heat)
            found.append((key, key))
        else:
            left, right = sides(node, low, depth, first, after, ranges)
            waiting.append(right)
            waiting.append(left)
    return found


def _weight(place: "Place") -> int:
    node, _, _, first, after = place
    return max(after - first, node.watched if isinstance(node, Branch) else 0)


def _is_wide(place: "Place", ranges: "Ranges") -> bool:
    # Whether one range, and no single key, reaches into the place.
    _, _, _, first, after = place
    return after - first == 1 and ranges.starts[first] != ranges.ends[first]


def _all(place: "Place", ranges: "Ranges", found: "list[Asked]") -> None:
    _, low, depth, first, after = place
    high = high_below(low, depth)
    for index in range(first, after):
        found.append((max(low, ranges.starts[index]), min(high, ranges.ends[index])))


def _pick(place: "Place", ranges: "Ranges", heat: "dict[bytes, int]") -> bytes:
    # The key that changed last. Else one at the end of a way down the heavier sides: what is beside it is light.
    _, _, _, first, after = place
    best, latest = -1, -1
    for index in range(first, after):
        at = heat.get(ranges.starts[index], -1)
        if at > latest:
            best, latest = index, at
    if best >= 0:
        return ranges.starts[best]
    while True:
        node, low, depth, first, after = place
        if isinstance(node, Leaf) and ranges.hold(node.key, first, after):
            return node.key
        if not isinstance(node, Branch):
            return max(low, ranges.starts[first])
        left, right = sides(node, low, depth, first, after, ranges)
        place = right if _weight(right) > _weight(left) or left[3] >= left[4] else left
