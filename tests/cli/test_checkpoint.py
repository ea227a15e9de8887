"""`checkpoint`: shown, exported, signed, imported elsewhere, verified, and read back from its QR code."""

import json
import os
from pathlib import Path

import pytest

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.chainspec import ChainSpec
from jamliquor_lite.chain.checkpoint import Checkpoint
from jamliquor_lite.chain.trust import MAX_SIGNERS, Trust, checkpoint_at, trailer
from jamliquor_lite.chain.twoslot import TwoSlot
from jamliquor_lite.cli import keyfile, qr, signers
from jamliquor_lite.cli.kept import Kept
from jamliquor_lite.cli.main import main
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet import chainspec
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.errors import LocalError
from jamliquor_lite.flash import repl
from jamliquor_lite.p2p.identity import Identity
from jamliquor_lite.ports import store
from jamliquor_lite.transport.quic_certificate import alt_name
from tests.chain.chains import Recorder, of_devnet

SEED, OTHER_SEED = b"\x21" * 32, b"\x22" * 32


class Devnet:
    """A chain, its chainspec, and what a node that followed it would have saved at some heights."""

    def __init__(self, folder: Path, seed: int = 5, accelerated: bool = True) -> None:
        chain = DevChain(TINY, seed=seed, keys=5)
        start = of_devnet(chain)
        start.clock_chain = accelerated
        light = Recorder(start)
        self.points = []
        for _ in range(50):
            block = chain.advance()[0]
            light.add(block.header)
            self.points.append(checkpoint_at(light.chain, light.chain.tree.find(block.hash)))
        self.spec = str(folder / f"chain{seed}{accelerated}.json")
        chainspec.write(self.spec, chain, [], accelerated)


@pytest.fixture(scope="module")
def devnet(tmp_path_factory: pytest.TempPathFactory) -> Devnet:
    return Devnet(tmp_path_factory.mktemp("chain"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Devnet:
    return Devnet(tmp_path_factory.mktemp("stranger"), seed=6)


def saved_in(folder: Path, point: Checkpoint, seed: bytes = SEED) -> str:
    """A data folder with this checkpoint and this key."""
    place = folder / point.genesis_hash[:4].hex()
    place.mkdir(parents=True, exist_ok=True)
    TwoSlot(store.SlotFile(str(place / "checkpoint"))).save(point.encode())
    path = folder / keyfile.FILE_NAME
    if not path.exists():
        path.write_bytes(seed)
        path.chmod(0o600)
    return str(folder)


def loaded(folder: Path, point: Checkpoint) -> Checkpoint:
    kept = Kept(str(folder / point.genesis_hash[:4].hex()), None, Profile(), print)
    found = kept.load("nothing")
    assert found is not None
    return found


class Command:
    """Runs `checkpoint` and keeps what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str) -> str:
        assert main(["checkpoint", *words]) == 0, self._capsys.readouterr().err
        return self._capsys.readouterr().out

    def refused(self, *words: str, status: int = 2) -> str:
        assert main(["checkpoint", *words]) == status
        out, err = self._capsys.readouterr()
        assert err.startswith("jamliquor-lite: ") and err.count("\n") == 1
        assert "Traceback" not in err and "this is a bug" not in err
        return err


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


def test_what_is_exported_and_signed_can_be_imported_elsewhere(command, devnet, tmp_path):
    point = devnet.points[30]
    here, there, file = saved_in(tmp_path / "a", point), str(tmp_path / "b"), str(tmp_path / "file")
    out = command("export", file, "--sign", "--data", here)
    text = out.splitlines()[-1]
    assert Trust.parse(text).statement == Trust.of(point).statement
    me = Identity(SEED)
    assert me.name in out and me.name in command("verify", file, "--by", me.name)
    for key in (me.name, alt_name(me.public), me.public.hex()):
        assert "it is what is saved already" in command("import", file, "--data", here, "--by", key)
    out = command("import", file, "--data", there, "--by", me.name, "--chain", devnet.spec, "--yes")
    assert "slot %d" % point.slot in out and "replaces" not in out
    assert Trust.of(loaded(tmp_path / "b", point)).agrees(Trust.of(point)) == ""
    assert loaded(tmp_path / "b", point).clock_chain
    shown = json.loads(command("show", "--data", there, "--json"))
    assert shown["slot"] == point.slot and shown["digest"] == Trust.of(point).digest.hex()
    assert shown["trust"] == Trust.of(point).text() and shown["signed_by"] == "nobody"


def test_show_says_the_same_of_a_folder_a_file_and_a_string(command, devnet, tmp_path):
    folder, file = saved_in(tmp_path / "a", devnet.points[20]), str(tmp_path / "file")
    text = command("export", file, "--data", folder).splitlines()[-1]
    found = [command("show", "--data", folder), command("show", file), command("show", text, "--data", folder)]
    assert found[0] == found[1] and set(found[2].splitlines()) < set(found[1].splitlines())
    assert devnet.points[20].header_hash.hex() in found[2] and text in found[2]


def test_the_trust_string_vouches_for_a_file_from_anybody(command, devnet, tmp_path):
    point, other = devnet.points[30], devnet.points[31]
    file, wrong = str(tmp_path / "file"), str(tmp_path / "wrong")
    text = command("export", file, "--data", saved_in(tmp_path / "a", point)).splitlines()[-1]
    command("export", wrong, "--data", saved_in(tmp_path / "b", other))
    there = str(tmp_path / "c")
    assert "by the trust string" in command(
        "import", file, "--data", there, "--trust", text.lower(), "--chain", devnet.spec, "--yes")
    line = command.refused("import", wrong, "--data", there, "--trust", text, "--yes", status=1)
    assert "another block" in line
    forged = Checkpoint.decode(point.encode())
    forged.next_keys = forged.keys
    (tmp_path / "forged").write_bytes(forged.encode())
    for verb in (("verify",), ("import", "--yes", "--data", there)):
        line = command.refused(*verb, str(tmp_path / "forged"), "--trust", text, status=1)
        assert "another content" in line


def test_what_nobody_vouches_for_is_not_taken(command, devnet, tmp_path):
    file, there = str(tmp_path / "file"), str(tmp_path / "c")
    command("export", file, "--sign", "--data", saved_in(tmp_path / "a", devnet.points[30]))
    chain = ("--chain", devnet.spec, "--data", there, "--yes")
    assert "nobody's word was asked for" in command.refused("import", file, *chain)
    assert "nobody named by --by" in command.refused(
        "import", file, *chain, "--by", Identity(OTHER_SEED).name, status=1)
    assert not os.path.exists(there)
    assert "by nobody's word" in command("import", file, *chain, "--unsigned")


def test_a_signature_that_is_wrong_spoils_the_file(command, devnet, tmp_path):
    file = tmp_path / "file"
    command("export", str(file), "--sign", "--data", saved_in(tmp_path / "a", devnet.points[30]))
    good = file.read_bytes()
    for at in (len(good) - 1, len(good) - 70, len(good) - 100, 40, len(good) - 130):
        file.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        command.refused("verify", str(file))
        command.refused("import", str(file), "--unsigned", "--yes", "--chain", devnet.spec, "--data",
                        str(tmp_path / "b"))
    for end in (0, 1, 100, len(good) - 1, len(good) - 99, len(good) - 101):
        file.write_bytes(good[:end])
        command.refused("verify", str(file))
    stolen = Checkpoint.decode(devnet.points[31].encode())
    file.write_bytes(stolen.encode() + good[-100:])
    assert "not over this checkpoint" in command.refused("verify", str(file))
    assert not (tmp_path / "b").exists()


def test_several_sign_one_file(command, devnet, tmp_path):
    file = str(tmp_path / "file")
    first, second = saved_in(tmp_path / "a", devnet.points[30]), saved_in(tmp_path / "b", devnet.points[9], OTHER_SEED)
    command("export", file, "--data", first)
    for folder in (first, second):
        command("sign", file, "--data", folder)
        assert "has signed it already" in command.refused("sign", file, "--data", folder)
    for seed in (SEED, OTHER_SEED):
        assert "as asked for" in command("verify", file, "--by", Identity(seed).name, "--by", Identity(bytes(32)).name)
    trust = Trust.of(devnet.points[30])
    with open(file, "ab") as out:
        for number in range(MAX_SIGNERS - 2):
            trust.sign(bytes([number]) * 32)
            out.write(trailer(trust.key, trust.signature))
    third = saved_in(tmp_path / "c", devnet.points[9], b"\x30" * 32)
    assert "no more are read" in command.refused("sign", file, "--data", third)


def test_an_older_one_does_not_replace_a_newer(command, devnet, tmp_path):
    old = str(tmp_path / "old")
    command("export", old, "--data", saved_in(tmp_path / "a", devnet.points[20]))
    there = saved_in(tmp_path / "b", devnet.points[30])
    words = ("import", old, "--data", there, "--unsigned", "--yes")
    assert "--older" in command.refused(*words)
    assert loaded(tmp_path / "b", devnet.points[30]).slot == devnet.points[30].slot
    assert "replaces the saved one of slot %d" % devnet.points[30].slot in command(*words, "--older")
    assert loaded(tmp_path / "b", devnet.points[30]).slot == devnet.points[20].slot


def test_another_chain_is_refused(command, devnet, stranger, tmp_path):
    file = str(tmp_path / "file")
    text = command("export", file, "--data", saved_in(tmp_path / "a", devnet.points[30])).splitlines()[-1]
    words = ("--unsigned", "--yes", "--data", str(tmp_path / "b"))
    assert "another chain" in command.refused("import", file, *words, "--chain", stranger.spec)
    assert "knows no chain" in command.refused("import", file, *words)
    for what in (file, text):
        assert "another chain" in command.refused("verify", what, "--chain", stranger.spec, status=1)
        command("verify", what, "--chain", devnet.spec)
    both = saved_in(tmp_path / "a", stranger.points[3])
    assert "2 chains" in command.refused("show", "--data", both)
    shown = command("show", "--data", both, "--chain", stranger.spec)
    assert stranger.points[3].header_hash.hex() in shown


def test_the_clock_and_finality_are_the_chainspec_s_to_say(command, devnet, tmp_path):
    point = Checkpoint.decode(devnet.points[30].encode())
    point.clock_chain, point.grandpa_format = False, "something else"
    (tmp_path / "file").write_bytes(point.encode())
    words = ("--unsigned", "--yes", "--chain", devnet.spec, "--data", str(tmp_path / "b"))
    command("import", str(tmp_path / "file"), *words)
    found = loaded(tmp_path / "b", point)
    assert found.clock_chain and found.grandpa_format is None


def test_the_age_limit(command, tmp_path):
    wall = Devnet(tmp_path, accelerated=False)  # whose slots are of 2025
    file = str(tmp_path / "file")
    command("export", file, "--data", saved_in(tmp_path / "a", wall.points[30]))
    words = ("import", file, "--unsigned", "--yes", "--chain", wall.spec, "--data", str(tmp_path / "b"))
    assert "days old" in command.refused(*words)
    command(*words, "--old-checkpoint")
    assert loaded(tmp_path / "b", wall.points[30]).slot == wall.points[30].slot
    assert "UTC" in command("show", file)


def test_who_cannot_be_asked_says_yes_beforehand(command, devnet, tmp_path, monkeypatch):
    file = str(tmp_path / "file")
    command("export", file, "--data", saved_in(tmp_path / "a", devnet.points[30]))
    words = ("import", file, "--unsigned", "--chain", devnet.spec, "--data", str(tmp_path / "b"))
    assert "nobody can be asked" in command.refused(*words)
    for answer, status in (("", 1), ("n", 1), ("y", 0)):
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("builtins.input", lambda _, answer=answer: answer)
        assert main(["checkpoint", *words]) == status
        assert (tmp_path / "b").exists() == (status == 0)


def test_nothing_is_written_over_unasked(command, devnet, tmp_path):
    folder, file = saved_in(tmp_path / "a", devnet.points[30]), tmp_path / "file"
    file.write_text("mine")
    assert "--force" in command.refused("export", str(file), "--data", folder)
    assert file.read_text() == "mine"
    command("export", str(file), "--data", folder, "--force")
    command("verify", str(file))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "file"]


def test_mistakes_are_one_line(command, devnet, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "junk").write_bytes(os.urandom(3000))
    (tmp_path / "json").write_text('{"jamliquor": "attestations", "genesis": "zz", "said": []}')
    for words, status, says in (
        ((), 2, "say what to do"),
        (("show", "--data", str(empty)), 1, "no checkpoint is saved"),
        (("show", "--data", str(tmp_path / "nowhere")), 2, "cannot read the data folder"),
        (("show", str(tmp_path / "nofile")), 2, "No such file"),
        (("show", str(empty)), 2, "Is a directory"),
        (("show", str(tmp_path / "junk")), 2, "checkpoint"),
        (("show", "JLC1:ABC"), 2, "trust string"),
        (("show", "--chain", str(tmp_path / "nowhere")), 2, "no such file"),
        (("verify",), 2, "required"),
        (("verify", str(tmp_path / "json")), 2, "not what a run keeps"),
        (("export",), 2, "required"),
        (("explode",), 2, "invalid choice"),
        (("qr", "--sign", "JLC1:ABC"), 2, "trust string"),
    ):
        assert says in command.refused(*words, status=status), words
    folder, file = saved_in(tmp_path / "a", devnet.points[30]), str(tmp_path / "file")
    command("export", file, "--data", folder)
    for key in ("x", "12D3KooW", "e" * 53, "0" * 63, "zz" * 32, "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"):
        assert "--by" in command.refused("verify", file, "--by", key)
    assert "--trust" in command.refused("verify", file, "--trust", "JLC1:")
    os.unlink(tmp_path / "a" / keyfile.FILE_NAME)
    assert "no such key file" in command.refused("sign", file, "--data", folder)


def test_a_saved_one_that_is_damaged_is_said(command, devnet, tmp_path):
    folder = saved_in(tmp_path / "a", devnet.points[30])
    path = next((tmp_path / "a").glob("*/checkpoint.0"))
    path.write_bytes(path.read_bytes()[:-1])
    assert "damaged" in command.refused("show", "--data", folder, status=1)


def test_what_a_board_is_given_is_a_checkpoint(devnet, tmp_path, capsys, monkeypatch):
    given = {}

    class Seen(repl.Repl):
        def __init__(self, target, device, files, *rest):
            given.update(files)
            super().__init__(target, device, files, *rest)

    monkeypatch.setattr(repl, "Repl", Seen)
    words = ("flash", "esp32-c3", "--method", "mpremote", "--dry-run", "--start")
    good, junk = tmp_path / "good", tmp_path / "junk"
    trust = Trust.of(devnet.points[30])
    trust.sign(SEED)
    good.write_bytes(devnet.points[30].encode() + trailer(trust.key, trust.signature))
    junk.write_bytes(good.read_bytes()[:-1])
    assert main([*words, str(junk)]) == 2 and "checkpoint" in capsys.readouterr().err
    assert main([*words, str(good)]) == 0
    assert "start.cbor" in capsys.readouterr().out
    assert given == {"start.cbor": bytes(devnet.points[30].encode())}, "a board reads no signatures"


def test_names_of_keys():
    for number in range(20):
        public = Identity(bytes([number]) * 32).public
        for text in (public.hex(), alt_name(public), Identity(bytes([number]) * 32).name):
            assert signers.parse(text) == public
        assert signers.name(public) == Identity(bytes([number]) * 32).name
    for text in ("", "e" + "7" * 52, "e" + "1" * 52):
        with pytest.raises(LocalError):
            signers.parse(text)


def decoded(lines: "list[str]", drawn: int) -> str:
    """What a reader makes of a code as it stands on a screen: `drawn` is the grey of a drawn module, 0 or 255."""
    zxingcpp = pytest.importorskip("zxingcpp")
    image = pytest.importorskip("PIL.Image")
    width, ground = len(lines[0]), 255 - drawn
    picture = image.new("L", (width, 2 * len(lines)), ground)
    for row, line in enumerate(lines):
        assert len(line) == width
        for column, letter in enumerate(line):
            upper, lower = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}[letter]
            picture.putpixel((column, 2 * row), drawn if upper else ground)
            picture.putpixel((column, 2 * row + 1), drawn if lower else ground)
    scale = 5
    found = zxingcpp.read_barcodes(picture.resize((scale * width, scale * picture.height)))
    assert len(found) == 1
    return str(found[0].text)


def test_the_code_on_the_screen_says_the_string(command, devnet, tmp_path):
    folder = saved_in(tmp_path / "a", devnet.points[30])
    for words in ((), ("--sign",)):
        *lines, text = command("qr", "--data", folder, *words).splitlines()
        assert decoded(lines, 255) == text and len(lines[0]) <= 80
        assert bool(Trust.parse(text).key) == bool(words)
        coloured = qr.lines(text, True)
        assert all(line.startswith("\x1b[38;5;16;48;5;231m") and line.endswith("\x1b[0m") for line in coloured)
        assert decoded([line[19:-4] for line in coloured], 0) == text
    assert ChainSpec.read(devnet.spec).genesis_hash == Trust.parse(text).genesis_hash
