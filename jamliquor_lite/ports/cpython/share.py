"""Files beside the package that an installed one has brought along, in `share/jamliquor-lite`, and a checkout has in
its own folders."""

import sys
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).resolve().parents[3]
_SHARE = "share/jamliquor-lite/"  # as [tool.setuptools.data-files] in pyproject.toml has it
_DISTRIBUTION = "jamliquor-lite"


def files(checkout: str, installed: str) -> "list[Path]":
    """All files under the folder `checkout` of a checkout, or under `installed` of what was installed; [] for none."""
    folder = CHECKOUT / checkout
    found = folder.rglob("*") if folder.is_dir() else _installed(installed)
    return sorted(path for path in found if path.is_file())


def _installed(folder: str) -> "Iterator[Path]":
    # Nearly always they are where Python's own prefix is. What pip has recorded says it for sure, but to read that
    # takes 2 MB and, on a small board, as long as the rest of a start.
    usual = Path(sys.prefix) / _SHARE / folder
    if CHECKOUT.is_relative_to(sys.prefix) and usual.is_dir():
        yield from usual.rglob("*")
        return
    import importlib.metadata

    try:
        recorded = importlib.metadata.files(_DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return
    for file in recorded:
        if f"{_SHARE}{folder}/" in file.as_posix():
            yield Path(str(file.locate()))
