"""`jamliquor-lite checkpoint`: the checkpoint that a node starts from, carried from one machine to another.

A file holds all of it, and who signed it. A trust string, which a QR code can show, says which one it is
(chain/trust.py has both, byte for byte): who has the string from somebody he trusts may take the file from anybody.
"""

import json
import os
import sys
import time

from ..chain import slots
from ..chain.chainspec import MAX_FILE_BYTES, ChainSpec
from ..chain.checkpoint import Checkpoint
from ..chain.epoch import UNKNOWN_SET
from ..chain.trust import MAX_SIGNERS, Trust, is_string, trailer
from ..errors import LocalError, VerifyError
from ..ports import clock
from . import evidence, kept, keyfile, qr, signers
from . import settings as configuration
from .knobs import CHAIN, DATA, KEY
from .main import one_line
from .start import CheckpointFile, adopt, check_chain, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

_WHAT = "a file that `checkpoint export` wrote, or a trust string (default: what is saved in the data folder)"
_BY = "it must be signed by this key: " + signers.FORM + "; any one of them, where it is repeated"
_ACTIONS = ("show", "export", "sign", "import", "verify", "qr", "embed")


def add_arguments(parser: "argparse.ArgumentParser") -> None:
    """What the command takes."""
    actions = parser.add_subparsers(dest="action", metavar="|".join(_ACTIONS))
    shown = actions.add_parser("show", help="say what a checkpoint holds, and print its trust string")
    shown.add_argument("what", metavar="WHAT", nargs="?", help=_WHAT)
    shown.add_argument("--json", action="store_true", help="print one JSON line")
    out = actions.add_parser("export", help="write the saved checkpoint to a file")
    out.add_argument("file", metavar="FILE", help="where to")
    out.add_argument("--sign", action="store_true", help="sign it with the node's key")
    out.add_argument("--force", action="store_true", help="replace a file that is there")
    signed = actions.add_parser("sign", help="add the node's signature to a file; others may have signed it before")
    signed.add_argument("file", metavar="FILE", help="what `checkpoint export` wrote")
    taken = actions.add_parser("import", help="make the checkpoint of a file the one that a node starts from")
    taken.add_argument("file", metavar="FILE", help="what `checkpoint export` wrote")
    taken.add_argument("--unsigned", action="store_true", help="take it without anybody's word")
    taken.add_argument("--older", action="store_true", help="replace a newer one that is saved")
    taken.add_argument("--old-checkpoint", action="store_true", help="take one of any age")
    taken.add_argument("--yes", action="store_true", help="do not ask")
    checked = actions.add_parser("verify", help="check a file's hash and signatures, or what peers signed")
    checked.add_argument("what", metavar="WHAT",
                         help="a file, a trust string, or the disagreement.json that a run has kept")
    for action in (taken, checked):
        action.add_argument("--by", metavar="KEY", action="append", default=[], help=_BY)
        action.add_argument("--trust", metavar="STRING", help="it must be the one that this trust string says")
    code = actions.add_parser("qr", help="show the trust string as a QR code")
    code.add_argument("what", metavar="WHAT", nargs="?", help=_WHAT)
    code.add_argument("--sign", action="store_true", help="sign it with the node's key")
    code.add_argument("--plain", action="store_true", help="without colours: for a dark terminal")
    built = actions.add_parser("embed", help="write a copy of a chainspec with a checkpoint built in, where new nodes "
                               "start")
    built.add_argument("file", metavar="FILE", help="where to")
    built.add_argument("--from", dest="what", metavar="WHAT", help=_WHAT)
    built.add_argument("--force", action="store_true", help="replace a file that is there")
    for action in (shown, out, signed, taken, checked, code, built):
        action.add_argument("--config", metavar="FILE", help="TOML file of settings")
        for knob in (CHAIN, DATA, KEY):
            action.add_argument(knob.flag, dest=knob.dest, metavar=knob.key.upper(), help=knob.summary)


def run(args: "argparse.Namespace") -> int:
    """Do it."""
    if args.action is None:
        raise LocalError("say what to do: `jamliquor-lite checkpoint %s`" % "|".join(_ACTIONS), 2)
    found = configuration.load(args)
    command = {"show": _show, "export": _export, "sign": _sign, "import": _import, "verify": _verify, "qr": _qr,
               "embed": _embed}
    command[args.action](args, found)
    return 0


class _Saved:
    # The checkpoint that is saved in a data folder for one chain.

    def __init__(self, settings: "configuration.Settings", genesis_hash: "bytes | None" = None) -> None:
        folder = settings.data_dir
        if genesis_hash is None and settings.chain != "dev":
            genesis_hash = ChainSpec.read(settings.chain).genesis_hash
        name = genesis_hash[:4].hex() if genesis_hash is not None else _only_chain(folder)
        self.path = os.path.join(folder, name)
        warnings: "list[str]" = []
        found = kept.Kept(self.path, None, settings.profile, warnings.append)
        self.checkpoint = found.load("nothing") if os.path.isdir(self.path) else None
        self.damage = "; ".join(warnings)
        if self.checkpoint is not None and genesis_hash not in (None, self.checkpoint.genesis_hash):
            raise LocalError("%s: it holds a checkpoint of another chain" % self.path, 2)

    def whole(self) -> Checkpoint:
        """It, or the LocalError that says why there is none."""
        if self.checkpoint is None:
            raise LocalError("%s: no checkpoint is saved there%s" % (
                self.path, " (%s)" % self.damage if self.damage else "; a node saves one as it follows"))
        return self.checkpoint


def _only_chain(folder: str) -> str:
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise LocalError("cannot read the data folder %s: %s" % (folder, error.strerror), 2) from None
    names = [name for name in names if kept.is_there(os.path.join(folder, name))]
    if not names:
        raise LocalError("%s: no checkpoint is saved there; a node saves one as it follows" % folder)
    if len(names) > 1:
        raise LocalError("%s has checkpoints of %d chains (%s): say which by --chain CHAINSPEC" % (
            folder, len(names), ", ".join(names[:8])), 2)
    return names[0]


# what there is to show


def _look(what: "str | None", settings: "configuration.Settings") -> "tuple[Trust, Checkpoint | None, list[bytes]]":
    # A statement, the whole of it where it is here, and the keys whose signatures are good.
    if what is None:
        saved = _Saved(settings).whole()
        return Trust.of(saved), saved, []
    if is_string(what):
        try:
            trust = Trust.parse(what)
        except VerifyError as error:
            raise LocalError("%s: %s" % (ascii(what[:40]), error), 2) from None
        return trust, None, [trust.key] if trust.key else []
    file = CheckpointFile(what)
    return file.trust, file.checkpoint, file.signers


def _show(args: "argparse.Namespace", settings: "configuration.Settings") -> None:
    trust, whole, keys = _look(args.what, settings)
    fields = _fields(trust, whole, keys)
    if args.json:
        print(json.dumps(fields))
        return
    for key, value in fields.items():
        text = ", ".join(value) if isinstance(value, list) else str(value)
        print("%-10s %s" % (key.replace("_", " "), one_line(text)))


def _fields(trust: Trust, whole: "Checkpoint | None", keys: "list[bytes]") -> "dict[str, Any]":
    found: "dict[str, Any]" = {
        "genesis": trust.genesis_hash.hex(), "header": trust.header_hash.hex(), "slot": trust.slot,
        "set_id": "unknown" if trust.set_id == UNKNOWN_SET else trust.set_id, "digest": trust.digest.hex(),
    }
    if whole is not None:
        spec = whole.spec
        found["spec"] = "%s, %d validators, epochs of %d slots" % (spec.name, spec.validators, spec.epoch_length)
        found["sealed_by"] = "fallback keys" if whole.tickets is None else "tickets"
        found["finality"] = whole.grandpa_format or "not served"
        found["clock"] = "chain" if whole.clock_chain else "wall"
        if not whole.clock_chain:
            found["time"] = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(
                slots.COMMON_ERA + trust.slot * spec.slot_seconds))
    found["signed_by"] = [signers.name(key) for key in keys] or "nobody"
    found["trust"] = trust.text()
    return found


def _qr(args: "argparse.Namespace", settings: "configuration.Settings") -> None:
    trust = _look(args.what, settings)[0]
    if args.sign:
        trust.sign(keyfile.load(settings.key_file))
    for line in qr.lines(trust.text(), sys.stdout.isatty() and not args.plain):
        print(line)
    print(trust.text())


# files


def _export(args: "argparse.Namespace", settings: "configuration.Settings") -> None:
    saved = _Saved(settings).whole()
    trust = Trust.of(saved)
    data = bytes(saved.encode())
    if args.sign:
        trust.sign(keyfile.load(settings.key_file))
        data += trailer(trust.key, trust.signature)
    _write(args.file, data, args.force)
    print("%s: %d bytes, slot %d, %s" % (args.file, len(data), trust.slot,
                                         "signed by " + signers.name(trust.key) if trust.key else "not signed"))
    print(trust.text())


def _sign(args: "argparse.Namespace", settings: "configuration.Settings") -> None:
    file = CheckpointFile(args.file)
    trust = file.trust
    trust.sign(keyfile.load(settings.key_file))
    if trust.key in file.signers:
        raise LocalError("%s: %s has signed it already" % (args.file, signers.name(trust.key)), 2)
    if len(file.signers) >= MAX_SIGNERS:
        raise LocalError("%s: it has %d signatures, and no more are read" % (args.file, MAX_SIGNERS), 2)
    with open(args.file, "ab") as out:
        out.write(trailer(trust.key, trust.signature))
    print("%s: signed by %s" % (args.file, signers.name(trust.key)))


def _embed(args: "argparse.Namespace", settings: "configuration.Settings") -> None:
    if settings.chain == "dev":
        raise LocalError("say into a copy of which chainspec: --chain CHAINSPEC", 2)
    genesis = ChainSpec.read(settings.chain).checkpoint()
    trust, whole, _ = _look(args.what, settings)
    check_chain(trust.genesis_hash, genesis)
    if whole is not None:
        adopt(whole, genesis)
    root = json.loads(read(settings.chain, MAX_FILE_BYTES))
    inner = root if "genesis_header" in root else root["chain_spec"]
    inner.setdefault("jamliquor", {})["checkpoint"] = trust.text() if whole is None else bytes(whole.encode()).hex()
    data = (json.dumps(root, indent=1) + "\n").encode()
    _write(args.file, data, args.force)
    print("%s: begins at slot %d, %s" % (args.file, trust.slot, "with all that a node has to know there" if whole
                                         else "whose state peers are asked for and prove"))


def _write(path: str, data: bytes, force: bool) -> None:
    if os.path.lexists(path) and not force:
        raise LocalError("%s: exists already; --force replaces it" % path, 2)
    partial = "%s.%d.partial" % (path, os.getpid())
    try:
        with open(partial, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        raise LocalError("cannot write %s: %s" % (path, error.strerror)) from None


def _require(args: "argparse.Namespace", trust: Trust, keys: "list[bytes]") -> "list[str]":
    # What vouches for it, as `--by` and `--trust` ask for; LocalError where one of them is not met.
    found = []
    wanted = [signers.parse(text) for text in args.by]
    if args.trust is not None:
        try:
            said = Trust.parse(args.trust)
        except VerifyError as error:
            raise LocalError("--trust: %s" % error, 2) from None
        fault = said.agrees(trust)
        if fault:
            raise LocalError("it is not what --trust says: %s" % fault)
        keys = keys + ([said.key] if said.key else [])
        found.append("the trust string")
    if wanted:
        good = [key for key in keys if key in wanted]
        if not good:
            raise LocalError("nobody named by --by has signed it: %s" % (
                "signed by " + ", ".join([signers.name(key) for key in keys]) if keys else "it is not signed"))
        found.append("a signature by " + signers.name(good[0]))
    return found


def _verify(args: "argparse.Namespace", settings: "configuration.Settings") -> None:
    if not is_string(args.what) and evidence.is_one(args.what):
        for line in evidence.check(args.what):
            print(one_line(line))
        return
    trust, whole, keys = _look(args.what, settings)
    if settings.chain != "dev":
        genesis = ChainSpec.read(settings.chain).checkpoint()
        check_chain(trust.genesis_hash, genesis, status=1)
        if whole is not None:
            adopt(whole, genesis)
    vouched = _require(args, trust, keys)
    print("good: slot %d, header %s, content %s…" % (trust.slot, trust.header_hash.hex(), trust.digest.hex()[:16]))
    print("signed by " + (", ".join([signers.name(key) for key in keys]) or "nobody"))
    if vouched:
        print("as asked for: " + " and ".join(vouched))


def _import(args: "argparse.Namespace", settings: "configuration.Settings") -> None:
    file = CheckpointFile(args.file)
    vouched = _require(args, file.trust, file.signers)
    if not vouched and not args.unsigned:
        raise LocalError(
            "nobody's word was asked for: say who must have signed it with --by KEY, or which one it must be with "
            "--trust STRING, or take it as it is with --unsigned", 2)
    genesis_hash = file.checkpoint.genesis_hash
    if settings.chain != "dev":
        genesis = ChainSpec.read(settings.chain).checkpoint()
        check_chain(genesis_hash, genesis, args.file + ": ")
    saved = _Saved(settings, genesis_hash)
    old = saved.checkpoint
    if settings.chain == "dev":
        if old is None:
            raise LocalError("%s: this data folder knows no chain with genesis %s…: name it by --chain CHAINSPEC" % (
                args.file, genesis_hash.hex()[:8]), 2)
        genesis = old
    new = adopt(file.checkpoint, genesis)
    if not new.clock_chain:
        now_slot = slots.slot_at(clock.wall_seconds(), new.spec)
        slots.check_clock(now_slot, new.slot)
        if not args.old_checkpoint:
            slots.check_age(now_slot, new.slot, new.spec)
    if old is not None:
        if old.header_hash == new.header_hash and Trust.of(old).digest == file.trust.digest:
            print("it is what is saved already")
            return
        if old.slot >= new.slot and not args.older:
            raise LocalError("the saved checkpoint, of slot %d, is no older than that of slot %d: --older replaces it"
                             % (old.slot, new.slot), 2)
    _agree(args, new, old, saved.damage, vouched)
    try:
        os.makedirs(saved.path, mode=0o700, exist_ok=True)
    except OSError as error:
        raise LocalError("cannot make the data folder %s: %s" % (settings.data_dir, error.strerror), 2) from None
    kept.Kept(saved.path, new.spec, settings.profile, lambda line: None).replace(new)
    print("saved: a node that starts on %s begins at slot %d" % (settings.data_dir, new.slot))


def _agree(args: "argparse.Namespace", new: Checkpoint, old: "Checkpoint | None", damage: str,
           vouched: "list[str]") -> None:
    print("checkpoint of slot %d, header %s…, %s" % (
        new.slot, new.header_hash.hex()[:16], "by " + " and ".join(vouched) if vouched else "by nobody's word"))
    if old is not None:
        print("it replaces the saved one of slot %d, header %s…" % (old.slot, old.header_hash.hex()[:16]))
    elif damage:
        print("it replaces a saved one that is unusable (%s)" % one_line(damage))
    if args.yes:
        return
    if not sys.stdin.isatty():
        raise LocalError("nobody can be asked here: --yes agrees beforehand", 2)
    try:
        agreed = input("take it? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        agreed = False
    if not agreed:
        raise LocalError("nothing was changed", 1)
