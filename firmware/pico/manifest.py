"""What the firmware of a board with Raspberry Pi's chip freezes: the node as every board has it, and a little.

Each of boards/pico*/manifest.py includes this, with `network` where the board has a radio; CONFIG_DIR is the folder of
the board's own `_board.py`.
"""

import os

# The names of a manifest: options, include, module.
options.defaults(library=False, network=False)  # noqa: F821
here = os.getcwd()
beside = {
    "_boot.py": os.path.join(here, "modules", "_boot.py"),
    "_node.py": os.path.join(here, "..", "main.py"),
    "main.py": os.path.join(here, "modules", "main.py"),
    "pico.py": os.path.join(here, "modules", "pico.py"),
}
if options.network:  # noqa: F821
    beside["_wired.py"] = beside["_node.py"]
    beside["_node.py"] = os.path.join(here, "modules", "with_radio.py")
    beside["wifi.py"] = os.path.join(here, "..", "wifi.py")
else:
    beside["socket.py"] = os.path.join(here, "modules", "socket.py")
include(  # noqa: F821
    "../manifest.py",
    board=True,
    radio=options.network,  # noqa: F821
    library=options.library,  # noqa: F821
    beside=beside,
)
module("_board.py", base_path="$(CONFIG_DIR)")  # noqa: F821
