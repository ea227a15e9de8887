"""`python3 -m tests.attacks.table`: runs all attacks and prints the table of README's section on security."""

import asyncio
import re
import tempfile
from pathlib import Path

from .attacks import ATTACKS

HEAD = ("attack", "reached at most", "what the node said")
_HASH = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{8,}\b")


def row(attack, scene):
    """The cells of an attack that was staged."""
    return attack.title, attack.reach, _HASH.sub(r"\1…", scene.sentence(attack.says)).replace("|", "/")


def line(cells):
    return "| %s |" % " | ".join(cells)


def main():
    print(line(HEAD))
    print("|---|---|---|")
    for attack in ATTACKS:
        with tempfile.TemporaryDirectory() as folder:
            print(line(row(attack, asyncio.run(attack.run(Path(folder))))), flush=True)


if __name__ == "__main__":
    main()
