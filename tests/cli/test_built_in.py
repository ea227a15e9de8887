"""A checkpoint that a chainspec has built in: who starts there, what the start may not be older than, and what wins
over it."""

import copy
import json

import pytest

from jamliquor_lite.chain.chainspec import ChainSpec
from jamliquor_lite.chain.checkpoint import Checkpoint
from jamliquor_lite.chain.trust import Trust
from jamliquor_lite.cli.main import main
from tests.cli.test_run import GENESIS_SLOT, WEEK_SLOTS, place, refused, started  # noqa: F401  (a fixture)
from tests.cli.test_warp import devnet, follow, starting  # noqa: F401  (a fixture)

SLOT = GENESIS_SLOT + 24
PATIENCE_S = 120


def build_in(place, text):  # noqa: F811
    """Have the place's chainspec say that."""
    with open(place.chainspec) as file:
        root = json.load(file)
    root["jamliquor"] = {"checkpoint": text}
    with open(place.chainspec, "w") as file:
        json.dump(root, file)


def later(place, slot=SLOT):  # noqa: F811
    """A checkpoint of that chain after its genesis."""
    point = Checkpoint.decode(place.start.encode())
    point.slot, point.header_hash = slot, b"\x17" * 32
    return point


def warnings(lines):
    return [line["message"] for line in lines if line.get("event") == "warning"]


def test_a_new_node_starts_there(place, capsys):  # noqa: F811
    build_in(place, later(place).encode().hex())
    place.now = SLOT + WEEK_SLOTS
    lines, err = started(capsys, place.run("--strict"))
    assert lines[-1]["best_slot"] == SLOT and err == "" and warnings(lines) == []


def test_what_is_saved_goes_before_it(place, capsys):  # noqa: F811
    build_in(place, "0x" + later(place).encode().hex())
    place.now = SLOT + 2 + WEEK_SLOTS
    for saved in (SLOT + 12, SLOT + 2):
        assert place.journal().save(later(place, saved), 0)
        lines, _ = started(capsys, place.run())
        assert lines[-1]["best_slot"] == saved and warnings(lines) == []


def test_what_the_user_says_goes_before_it(place, capsys, tmp_path):  # noqa: F811
    build_in(place, later(place).encode().hex())
    place.now = SLOT + 24
    (tmp_path / "mine").write_bytes(later(place, SLOT + 12).encode())
    lines, _ = started(capsys, place.run("--checkpoint", str(tmp_path / "mine")))
    assert lines[-1]["best_slot"] == SLOT + 12


def test_its_age_is_said_and_strictly_refused(place, capsys):  # noqa: F811
    build_in(place, later(place).encode().hex())
    place.now = SLOT + WEEK_SLOTS + 1
    lines, _ = started(capsys, place.run())
    (line,) = warnings(lines)
    assert line.startswith("starting from the chainspec's checkpoint: ") and "long-range attack" in line
    assert lines[-1]["best_slot"] == SLOT
    assert "long-range attack" in refused(capsys, place.run("--strict"))
    lines, _ = started(capsys, place.run("--strict", "--old-checkpoint"))
    assert warnings(lines) == []


def test_it_replaces_an_older_one_that_is_saved_too_long(place, capsys):  # noqa: F811
    for saved, is_replaced in ((SLOT - 1, True), (SLOT, False), (SLOT + 1, False)):
        build_in(place, later(place).encode().hex())
        assert place.journal().save(later(place, saved), 0)
        place.now = SLOT + 2 + WEEK_SLOTS
        if is_replaced:
            lines, _ = started(capsys, place.run())
            assert lines[-1]["best_slot"] == SLOT
            assert warnings(lines)[0].startswith("the saved checkpoint is not used (the checkpoint is 7 days old")
            assert warnings(lines)[0].endswith("): starting from the chainspec's checkpoint")
        else:
            assert "--old-checkpoint" in refused(capsys, place.run())


def test_a_clock_before_it_is_refused(place, capsys):  # noqa: F811
    build_in(place, later(place).encode().hex())
    place.now = SLOT - 1
    assert "the clock says slot %d, before the checkpoint's slot %d" % (SLOT - 1, SLOT) in refused(capsys, place.run())


def test_what_is_no_checkpoint_of_this_chain_is_one_line(place, capsys):  # noqa: F811
    point = later(place)
    foreign = later(place)
    foreign.genesis_hash = b"\x99" * 32
    spoiled = bytearray(point.encode())
    spoiled[len(spoiled) // 2] ^= 1
    place.now = SLOT
    for text, words in (
        (7, "jamliquor.checkpoint must be a trust string or a checkpoint's hex digits"),
        ("", "'': must be a trust string (JLC1:…) or a checkpoint's hex digits"),
        ("soon", "'soon': must be a trust string"),
        ("ab" * 32, "checkpoint"),
        (spoiled.hex(), "checkpoint"),
        (Trust.of(point).text()[:-1], "trust string"),
        (foreign.encode().hex(), "it is of another chain (genesis 99999999…)"),
        (Trust.of(foreign).text(), "it is of another chain (genesis 99999999…)"),
    ):
        build_in(place, text)
        line = refused(capsys, place.run())
        assert words in line and "jamliquor.checkpoint" in line and place.chainspec in line, line
        assert len(line) < 400


def test_embed_writes_a_copy(place, tmp_path, capsys):  # noqa: F811
    point, out = later(place), tmp_path / "out.json"
    (tmp_path / "file").write_bytes(point.encode())
    before = json.loads(open(place.chainspec).read())
    words = ["checkpoint", "embed", str(out), "--chain", place.chainspec]
    string = Trust.of(point).text()
    for what, wanted in ((str(tmp_path / "file"), point.encode().hex()), (string, string)):
        assert main([*words, "--from", what, "--force"]) == 0
        assert capsys.readouterr().out.startswith("%s: begins at slot %d, " % (out, SLOT))
        after = json.loads(out.read_text())
        assert after.pop("jamliquor") == {"checkpoint": wanted} and after == before
        assert ChainSpec.read(str(out)).start == wanted
    saved = later(place, SLOT + 5)
    assert place.journal().save(saved, 0)
    assert main([*words, "--force", "--data", str(place.data)]) == 0
    whole = bytes.fromhex(json.loads(out.read_text())["jamliquor"]["checkpoint"])
    assert Trust.of(Checkpoint.decode(whole)).statement == Trust.of(saved).statement
    # What else is ours stays, and so does a node's configuration around it.
    root = {"version": 1, "chain_spec": {**copy.deepcopy(before), "jamliquor": {"clock": "chain"}}}
    (tmp_path / "node.json").write_text(json.dumps(root))
    words[-1] = str(tmp_path / "node.json")
    assert main([*words, "--from", str(tmp_path / "file"), "--force"]) == 0
    after = json.loads(out.read_text())
    assert set(after["chain_spec"]["jamliquor"]) == {"clock", "checkpoint"} and after["version"] == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"chain": None}, "--chain CHAINSPEC"),
        ({"what": "absent"}, "cannot read absent"),
        ({"what": "foreign"}, "it is of another chain"),
        ({"out": "there"}, "--force"),
    ],
)
def test_what_embed_refuses_is_one_line(place, tmp_path, capsys, monkeypatch, change, words):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(later(place).encode())
    foreign = later(place)
    foreign.genesis_hash = b"\x99" * 32
    (tmp_path / "foreign").write_bytes(foreign.encode())
    (tmp_path / "there").write_text("mine")
    chain = [] if "chain" in change else ["--chain", place.chainspec]
    status = main(["checkpoint", "embed", change.get("out", "out"), "--from", change.get("what", "file"), *chain])
    assert words in refused(capsys, status)
    assert (tmp_path / "there").read_text() == "mine" and not (tmp_path / "out").exists()


def test_a_warp_begins_there(devnet, tmp_path, capsys):  # noqa: F811
    first, _ = follow(devnet.chainspec, tmp_path)
    data = next((tmp_path / "share").glob("*"))
    assert starting(first, "warp: set 0 ")
    spec = tmp_path / "with.json"
    for number, form in enumerate(("whole", "string")):
        what = ["--data", str(data)]
        if form == "string":
            assert main(["checkpoint", "show", "--json", *what]) == 0
            what = ["--from", json.loads(capsys.readouterr().out)["trust"]]
        assert main(["checkpoint", "embed", str(spec), "--chain", str(devnet.chainspec), *what, "--force"]) == 0
        capsys.readouterr()
        lines, err = follow(spec, tmp_path / str(number))
        assert err == "" and not starting(lines, "warp: set 0 ") and starting(lines, "final: ")
        assert json.loads(lines[-1])["headers_checked"] < json.loads(first[-1])["headers_checked"] + 40
