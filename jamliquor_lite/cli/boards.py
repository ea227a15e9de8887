"""Boards by name: the folders of `boards/` in a checkout, or what an installed package has brought along of them."""

import difflib
import os
from pathlib import Path

from ..errors import LocalError
from ..ports.cpython import share
from . import board_file
from .board_schema import LINUX_BOARD
from .knobs import names_a_file

_FILE = "board.toml"


def find(text: str) -> board_file.Board:
    """The board of this name, or of this board.toml or its folder. LocalError (the user's) in one line."""
    return board_file.load(path_of(text))


def find_linux(text: str) -> board_file.Board:
    """The same, where only a board that runs the package itself will do."""
    board = board_file.load(path_of(text, LINUX_BOARD))
    if board.kind != LINUX_BOARD:
        raise LocalError(
            f"{board.name} is a microcontroller: `tools/firmware build {board.name}` makes its firmware", 2
        )
    return board


def names(kind: str = "") -> "list[str]":
    """The boards that are there by name, sorted; of one kind, those whose file is right."""
    found = sorted(_files(), key=lambda path: path.parent.name)
    if kind:
        read = [board_file.inspect(str(path))[0] for path in found]
        return [board.name for board in read if board is not None and board.kind == kind]
    return [path.parent.name for path in found]


def path_of(text: str, kind: str = "") -> str:
    """The board.toml of a name; a path stays as it is, and a folder leads to the file in it. LocalError in one line,
    which names the boards of that kind."""
    if names_a_file(text):
        return os.path.join(text, _FILE) if os.path.isdir(text) else text
    for path in _files():
        if path.parent.name == text:
            return str(path)
    there = names(kind)
    near = difflib.get_close_matches(text, there, 1)
    meant = f"did you mean {near[0]}? " if near else ""
    raise LocalError(f"no board is called {ascii(text[:80])}; {meant}there are {', '.join(there) or 'none'}", 2)


def _files() -> "list[Path]":
    return [path for path in share.files("boards", "boards") if path.name == _FILE]
