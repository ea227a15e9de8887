"""What a firmware freezes: the portable part of the package, and the interpreter's own asyncio.

MicroPython's build executes this file in this folder; `tools/micropython` builds with it for a host.
"""

import os

# Folders of the package that run on MicroPython. The others (cli, devnet, gateway, rpc) are for CPython only.
FOLDERS = (
    "", "budget", "chain", "codec", "crypto", "jam", "node", "p2p", "ports", "ports/micropython", "sync", "transport",
)
QUIC = "quic"  # transport/quic*.py and node/quic.py: JAMNP-S, on aioquic

include("$(MPY_DIR)/extmod/asyncio")  # noqa: F821  (the names of a manifest)

files = []
for folder in FOLDERS:
    path = os.path.join("..", "jamliquor_lite", folder)
    if os.path.isdir(path):
        files += [
            os.path.join(folder, name)
            for name in sorted(os.listdir(path))
            if name.endswith(".py") and not name.startswith(QUIC)
        ]
package("jamliquor_lite", files=files, base_path="..")  # noqa: F821
