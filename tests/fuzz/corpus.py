"""The committed inputs: a file for each target, in which they stand behind their lengths (u16, big-endian)."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "corpus"
MOST_BYTES = 13_000  # of one target's file


def load(target: str) -> "list[bytes]":
    """The inputs of a target, none where there is no file."""
    path = FOLDER / (target + ".bin")
    data = path.read_bytes() if path.exists() else b""
    found = []
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 2], "big")
        assert at + 2 + size <= len(data), "%s ends inside an input" % path
        found.append(data[at + 2 : at + 2 + size])
        at += 2 + size
    return found


def save(target: str, inputs: "list[bytes]") -> int:
    """Write them, the shortest first, as many as there is room for; how many."""
    FOLDER.mkdir(exist_ok=True)
    out = b""
    count = 0
    for data in sorted(set(inputs), key=lambda one: (len(one), one)):
        if len(out) + 2 + len(data) > MOST_BYTES:
            break
        out += len(data).to_bytes(2, "big") + data
        count += 1
    (FOLDER / (target + ".bin")).write_bytes(out)
    return count


def unpack(target: str, folder: Path) -> None:
    """Lay them out as libFuzzer wants them: a file each."""
    for number, data in enumerate(load(target)):
        (folder / ("%04d" % number)).write_bytes(data)
