"""The pools of one host. A board makes them first of all, before it imports the node (DESIGN §5)."""

from .pool import Pool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .profile import Profile


class Pools:
    """`frames` for whole Noise frames, `chunks` for what waits in streams, `identify` for what peers say they are."""

    def __init__(self, profile: "Profile") -> None:
        # The last ones are for what is urgent. Others get on best with two frames, one each way, where there are three.
        count = profile.frames
        self.frames = Pool("frames", count, profile.frame_bytes, min(2, max(count - 2, 1), count - 1))
        count = profile.stream_chunks
        self.chunks = Pool("stream_chunks", count, profile.chunk_bytes, min(max(1, count // 16), count - 1))
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
