"""Folders in the user's cache for what `manifest.py` writes: named by what is in them, and dropped when long unused.

It stands alone, as `folding.py` does.
"""

import hashlib
import os
import shutil

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

KEPT = 16  # folders of a kind; those that were used last stay


def cache_folder() -> str:
    """The user's folder for what can be made again, as tools/building.py has it; made when it is not there."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = os.path.join(base, "jamliquor-lite")
    os.makedirs(folder, exist_ok=True)
    return folder


def kept_folder(cache: str, kind: str, made_from: "list[str]", make: "Callable[[], dict[str, str]]") -> str:
    """A folder in `cache` with the files that `make` gives the texts of, named by all that they are made from: it is
    called where there is none yet. Of its kind, those used last are kept."""
    state = hashlib.sha256()
    for text in made_from:
        state.update(text.encode() + b"\0")
    folder = os.path.join(cache, kind + "-" + state.hexdigest()[:16])
    if os.path.isdir(folder):
        os.utime(folder)
        return folder
    new = folder + ".%d" % os.getpid()
    for path, text in make().items():
        os.makedirs(os.path.dirname(os.path.join(new, path)), exist_ok=True)
        with open(os.path.join(new, path), "w", encoding="utf-8") as file:
            file.write(text)
    try:
        os.rename(new, folder)
    except OSError:  # another build was faster
        shutil.rmtree(new)
    there = [os.path.join(cache, name) for name in os.listdir(cache) if name.startswith(kind + "-")]
    for old in sorted(there, key=os.path.getmtime, reverse=True)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def files_of(folder: str) -> "list[str]":
    """All files in a folder, by their paths from there, in order."""
    found = []
    for place, _, names in os.walk(folder):
        found += [os.path.relpath(os.path.join(place, name), folder) for name in names]
    return sorted(found)
