"""What a firmware freezes: the portable part of the package, and the interpreter's own asyncio.

MicroPython's build executes this file in this folder; `tools/micropython` builds with it for a host, and
`tools/firmware` for a board, with `board` set: no code is made for a processor there, so no module is frozen that
needs some; `radio` is set besides where it has one. `library` is set where the builder named a checkout of
micropython-lib. What is frozen is folded (`folding.py`): with `lean` numbers lose their names too, and with `merge`, as
on a board, modules are merged as well. `beside` (name -> path) is frozen as well, folded with the package; `plain`
freezes the package as it is written, for who wants to read it.
"""

import os
import sys

sys.path.insert(0, os.getcwd())
import folding  # type: ignore[import-not-found]  # noqa: E402
import kept  # type: ignore[import-not-found]  # noqa: E402
import merging  # type: ignore[import-not-found]  # noqa: E402

# Folders of the package that run on MicroPython. The others (cli, devnet, gateway, rpc) are for CPython only.
FOLDERS = (
    "", "budget", "chain", "codec", "console", "crypto", "jam", "node", "p2p", "ports", "ports/micropython", "sync",
    "transport",
)
LIBRARY = ("cbor2", "logging")  # of micropython-lib, for programs beside the node; ours uses codec/cbor and node/log
# What no board needs: the pure twins of what the C module jamcrypto computes there, machine code, and what only hosts
# and gateways do. A test on the board that imports one of them is skipped.
NOT_ON_A_BOARD = (
    "budget/check.py", "chain/chainspec.py", "chain/difference.py", "chain/difference_builder.py", "chain/finality.py",
    "chain/header_walk.py", "chain/journal.py", "chain/justification.py", "chain/mark_walk.py",
    "chain/range_builder.py", "chain/shown.py", "chain/standing.py", "chain/wear.py", "chain/witness.py",
    "crypto/bandersnatch.py",
    "crypto/blake2b.py", "crypto/chacha20poly1305.py", "crypto/ed25519.py", "crypto/keccak.py", "crypto/mlkem768.py",
    "crypto/sha512.py", "crypto/suite_hosts.py", "crypto/vrf.py", "crypto/x25519.py", "jam/attestation.py",
    "jam/difference_request.py", "jam/finality_answer.py", "jam/header_announcement.py",
    "jam/justification_request.py", "jam/relayed_request.py", "jam/warp_request.py", "node/alarm.py",
    "node/answers.py", "node/attesting.py", "node/bootstrap.py", "node/epoch_mode.py", "node/epoch_node.py",
    "node/epoch_visit.py", "node/errand.py", "node/final_state.py", "node/finality.py",
    "node/journal_keeper.py", "node/kernel.py", "node/set_search.py", "node/warp_sync.py", "node/watching.py",
    "ports/contract.py", "ports/micropython/aead_viper.py", "ports/micropython/crypto_natmod.py",
    "ports/micropython/memory_plain.py", "sync/attested.py", "sync/difference.py", "sync/epochs.py", "sync/probes.py",
    "sync/warp.py", "sync/warp_progress.py", "sync/watch.py",
)
WITH_RADIO = ("console/wifi.py", "ports/micropython/wlan.py")  # of the others, those of a board with a radio
QUIC = "quic"  # transport/quic*.py and node/quic.py: JAMNP-S, on aioquic

# The names of a manifest: options, include, module, package, require.
options.defaults(  # noqa: F821
    board=False, radio=False, library=False, lean=False, merge=False, beside={}, plain=False,
)
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
    left_out = NOT_ON_A_BOARD if options.radio else NOT_ON_A_BOARD + WITH_RADIO  # noqa: F821
    files = [file for file in files if file.replace(os.sep, "/") not in left_out]

if options.plain:  # noqa: F821
    package("jamliquor_lite", files=files, base_path="..")  # noqa: F821
else:
    texts = folding.read("..", files)
    beside = {}
    for name, path in options.beside.items():  # noqa: F821
        with open(path, encoding="utf-8") as file:
            beside[name] = file.read()
    merges = options.merge or options.board  # noqa: F821
    keeps_names = not (options.lean or merges)  # noqa: F821

    def folded() -> "dict[str, str]":
        """All that is frozen, by name."""
        made = merging.Frozen(texts) if merges else folding.Folding(texts, keeps_names)
        found = dict(made.texts)
        for name, text in beside.items():
            found[name] = made.fold_other(name, text)
        # An import makes a string of the module's whole name, in the heap unless the firmware has it. So it has: a
        # module that nobody imports names them all. That saves 3 KB.
        names = ["asyncio.core", *sorted(map(folding.module_name, made.texts))]
        found["_names.py"] = "".join("import %s\n" % name for name in names)
        return found

    made_from = [str(merges), str(keeps_names)]
    for name in ("folding.py", "manifest.py", "merging.py", "scopes.py"):
        with open(name, encoding="utf-8") as file:
            made_from.append(file.read())
    for name, text in sorted({**texts, **beside}.items()):
        made_from += [name, text]
    base_path = kept.kept_folder(kept.cache_folder(), "folded", made_from, folded)
    for name in kept.files_of(base_path):
        if name.startswith("jamliquor_lite"):
            package("jamliquor_lite", files=[name.partition(os.sep)[2]], base_path=base_path)  # noqa: F821
        else:
            module(name, base_path=base_path)  # noqa: F821
