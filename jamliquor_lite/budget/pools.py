"""The pools of one host. A board makes them first of all, before it imports the node (DESIGN §5)."""

from .pool import Pool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .profile import Profile


class Pools:
    """`frames` for whole Noise frames, `chunks` for what waits in streams, `identify` for what peers say they are."""

    def __init__(self, profile: "Profile") -> None:
        # Two frames are for connections that have proved who they are, where a board has more than two.
        self.frames = Pool("frames", profile.frames, profile.frame_bytes, min(2, profile.frames - 1))
        self.chunks = Pool("stream_chunks", profile.stream_chunks, profile.chunk_bytes, 1)
        self.identify = Pool("identify", profile.identify_buffers, profile.identify_bytes)

    def fill(self) -> None:
        """Make every buffer now, while the heap is in one piece."""
        for pool in (self.frames, self.chunks, self.identify):
            pool.fill()

    @property
    def is_whole(self) -> bool:
        """Every buffer is back."""
        for pool in (self.frames, self.chunks, self.identify):
            if pool.free != pool.count:
                return False
        return True
