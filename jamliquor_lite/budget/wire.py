"""What bytes cost on the wire: a connection's own are cut into segments, each with the headers of the layers below.

An estimate, for nobody here sees the segments: it takes full ones, which is what a sender with data makes, and one
for whatever is left of each write. The overhead of the profile is Ethernet's 14 bytes, IPv4's 20 and TCP's 32.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .profile import Profile


def wire_bytes(count: int, profile: "Profile") -> int:
    """Bytes on the wire for `count` bytes of payload in one write or read."""
    size = profile.segment_bytes
    return count + (count + size - 1) // size * profile.segment_overhead_bytes


def payload_bytes(count: int, profile: "Profile") -> int:
    """The most payload whose `wire_bytes` are at most `count`."""
    overhead = profile.segment_overhead_bytes
    whole = count // (profile.segment_bytes + overhead)
    rest = count - whole * (profile.segment_bytes + overhead) - overhead
    return whole * profile.segment_bytes + (rest if rest > 0 else 0)


def ack_bytes(count: int, profile: "Profile") -> int:
    """What the other direction carries for `count` bytes of payload: an acknowledgement for every second segment."""
    size = 2 * profile.segment_bytes
    return (count + size - 1) // size * profile.segment_overhead_bytes
