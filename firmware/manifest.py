"""What a firmware freezes: the portable part of the package, and the interpreter's own asyncio.

MicroPython's build executes this file in this folder; `tools/micropython` builds with it for a host, and
`tools/firmware` for a board, with `board` set: no code is made for a processor there, so no module is frozen that
needs some. `library` is set where the builder named a checkout of micropython-lib.
"""

import hashlib
import os

# Folders of the package that run on MicroPython. The others (cli, devnet, gateway, rpc) are for CPython only.
FOLDERS = (
    "", "budget", "chain", "codec", "console", "crypto", "jam", "node", "p2p", "ports", "ports/micropython", "sync",
    "transport",
)
LIBRARY = ("cbor2", "logging")  # of micropython-lib, for programs beside the node; ours uses codec/cbor and node/log
# What no board needs: the pure twins of what the C module jamcrypto computes there, machine code, and what only hosts
# and gateways do. A test on the board that imports one of them is skipped.
NOT_ON_A_BOARD = (
    "chain/chainspec.py", "chain/range_builder.py", "crypto/bandersnatch.py", "crypto/blake2b.py",
    "crypto/chacha20poly1305.py", "crypto/ed25519.py", "crypto/keccak.py", "crypto/mlkem768.py", "crypto/sha512.py",
    "crypto/vrf.py", "crypto/x25519.py", "jam/header_announcement.py", "jam/relayed_request.py", "node/answers.py",
    "node/bootstrap.py", "ports/contract.py", "ports/micropython/aead_viper.py", "ports/micropython/crypto_natmod.py",
)
QUIC = "quic"  # transport/quic*.py and node/quic.py: JAMNP-S, on aioquic

options.defaults(board=False, library=False)  # noqa: F821  (the names of a manifest)
include("$(MPY_DIR)/extmod/asyncio")  # noqa: F821
if options.library:  # noqa: F821
    for name in LIBRARY:
        require(name)  # noqa: F821

files = []
for folder in FOLDERS:
    path = os.path.join("..", "jamliquor_lite", folder)
    if os.path.isdir(path):
        files += [
            os.path.join(folder, name)
            for name in sorted(os.listdir(path))
            if name.endswith(".py") and not name.startswith(QUIC)
        ]
if options.board:  # noqa: F821
    files = [file for file in files if file.replace(os.sep, "/") not in NOT_ON_A_BOARD]
package("jamliquor_lite", files=files, base_path="..")  # noqa: F821

# An import makes a string of the module's whole name, in the heap unless the firmware has it. So it has: a module that
# nobody imports names them all. That saves 3 KB.
lines = ["import asyncio.core as core\n"]
for file in files:
    parts = ("jamliquor_lite/" + file)[: -len(".py")].split("/")
    if parts[-1] == "__init__":
        parts.pop()
    lines.append("import %s as %s\n" % (".".join(parts), parts[-1]))
text = "".join(lines)
cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
folder = os.path.join(cache, "jamliquor-lite", "names-" + hashlib.sha256(text.encode()).hexdigest()[:16])
os.makedirs(folder, exist_ok=True)
path = os.path.join(folder, "_names.py")
if not os.path.exists(path):
    with open(path + ".%d" % os.getpid(), "w") as file:
        file.write(text)
    os.rename(path + ".%d" % os.getpid(), path)
module("_names.py", base_path=folder)  # noqa: F821
