"""What the steps share: the count of bytes, and the numbers of the board."""

import gc

SEED = bytes(range(32))
POLICIES = {"plain": "off", "hybrid": "require"}
STEP_MS = 20_000


def used() -> int:
    """Bytes of heap in use once the garbage is gone."""
    gc.collect()
    return gc.mem_alloc()


def profile() -> "object":
    """The numbers of a small board: two frames of 2 KiB, of one connection one each way, and 4 chunks of 256 bytes."""
    from jamliquor_lite.budget.profile import Profile

    ours = Profile()
    ours.frame_bytes = 2050
    ours.frames = 2
    ours.chunk_bytes = 256
    ours.stream_chunks = 4
    ours.identify_bytes = 1024
    ours.identify_buffers = 1
    ours.identify_protocols = 8
    ours.stream_window_bytes = ours.connection_window_bytes = 1024
    ours.send_buffer_bytes = ours.connection_send_bytes = 512
    ours.protocol_name_bytes = 128
    ours.handshake_timeout_ms = ours.idle_timeout_ms = STEP_MS
    return ours
