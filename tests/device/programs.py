"""Programs for a board's main.py that are the firmware's own, firmware/main.py, with something changed or watched."""

_BEGIN = """
import gc
from jamliquor_lite.budget.pools import Pools
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.ports import board, clock
for name in board.PROFILE:
    setattr(Profile, name, board.PROFILE[name])
{changes}
profile = Profile()
pools = Pools(profile)
pools.fill()
gc.threshold(1024)
import jamliquor_lite.crypto.suite
import jamliquor_lite.transport.connection
from jamliquor_lite.boot import Boot
boot = Boot(profile, pools)
feed = board.feed_watchdog
{watch}
board.feed_watchdog = watch
boot.run()
"""


def watched(watch: str, **bounds: int) -> bytes:
    """The node with other bounds of its profile; `watch` defines a function watch(), which runs where the watchdog is
    fed and calls feed() for that. It sees boot, board, clock, gc and profile."""
    changes = "\n".join(f"Profile.{name} = {value}" for name, value in bounds.items())
    return _BEGIN.format(changes=changes, watch=watch.strip()).encode()
