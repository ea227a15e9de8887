"""What a board runs: its node, from the files of its file system, as long as there is power.

The pools are made before the modules of the node are loaded, while the heap is in one piece.
"""

import gc

from jamliquor_lite.budget.pools import Pools
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.ports import board

for name in board.PROFILE:  # on the class: an object of its own would hold every number once more
    setattr(Profile, name, board.PROFILE[name])
profile = Profile()
pools = Pools(profile)
pools.fill()
gc.threshold(1024)  # modules are packed close by frequent collections

# From below: imports that nest deep take stack, which a board has little of.
import jamliquor_lite.crypto.suite  # noqa: E402
import jamliquor_lite.transport.connection  # noqa: E402, F401
from jamliquor_lite.boot import Boot  # noqa: E402

Boot(profile, pools).run()
