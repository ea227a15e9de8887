"""What tools/device_tree.py takes out of a tree, and what is no tree."""

import struct

import pytest

from tools import device_tree
from tools.building import ToolError

LAST = struct.pack(">I", 9)


def node(name: str, *within: bytes) -> bytes:
    """One with properties and nodes in it."""
    return struct.pack(">I", 1) + padded(name.encode() + b"\0") + b"".join(within) + struct.pack(">I", 2)


def of(value: bytes) -> bytes:
    """A property of this value."""
    return struct.pack(">3I", 3, len(value), 0) + padded(value)


def padded(data: bytes) -> bytes:
    """To whole words of 32 bits."""
    return data + bytes(-len(data) % 4)


def tree(structure: bytes) -> bytes:
    """A whole file, with strings behind the structure."""
    size = 40 + len(structure) + 8
    head = struct.pack(">10I", 0xD00DFEED, size, 40, 40 + len(structure), 40, 17, 16, 0, 8, len(structure))
    return head + structure + b"status\0\0"


RADIO = node("bluetooth", of(b"brcm,bcm43438-bt\0"), node("child"))
SERIAL = node("serial@7e201000", of(b"okay\0"), RADIO, node("other", of(b"\0\0\0\2")))
# A node of the same name elsewhere, and properties whose values look like tokens.
WHOLE = tree(node("", node("bluetooth", of(b"\0\0\0\1")), node("soc", of(b"\0\0\0\2\0\0\0\x09"), SERIAL)) + LAST)


def test_a_node_goes_with_all_below_it_and_nothing_else() -> None:
    made = device_tree.without(WHOLE, "/soc/serial@7e201000/bluetooth")
    assert len(made) == len(WHOLE)
    assert made == WHOLE.replace(RADIO, struct.pack(">I", 4) * (len(RADIO) // 4))
    assert made.count(b"bluetooth") == 1 and b"brcm" not in made and b"child" not in made
    with pytest.raises(ToolError, match="the device tree has no /soc/serial@7e201000/bluetooth"):
        device_tree.without(made, "/soc/serial@7e201000/bluetooth")
    assert b"serial" not in device_tree.without(made, "/soc/serial@7e201000")


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", "cut short"),
        (b"\x7fELF" + WHOLE[4:], "no device tree"),
        (WHOLE[:-1], "cut short"),
        (tree(node("", node("soc"))[:-4]), "cut short"),
        (tree(node("", node("soc")) + struct.pack(">I", 77)), "cut short"),
    ],
)
def test_what_is_no_tree_is_said(data: bytes, line: str) -> None:
    with pytest.raises(ToolError, match=line):
        device_tree.without(data, "/soc/serial@7e201000")
