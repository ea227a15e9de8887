"""Takes a device out of a flattened device tree, of the form that the Devicetree Specification has in chapter 5."""

import struct

from tools.building import ToolError

_MAGIC = 0xD00DFEED
_BEGIN, _END, _PROPERTY, _NOTHING, _LAST = 1, 2, 3, 4, 9  # tokens of its structure block
_HEAD = struct.Struct(">4I")  # magic, whole size, where structure and strings begin
_WORD = struct.Struct(">I")


def without(tree: bytes, path: str) -> bytes:
    """The tree without the node at this path ("/soc/serial@7e201000/bluetooth") and all below it: in its place are
    tokens that say nothing. ToolError where it is no tree, or has no such node."""
    begin, end = _place(tree, path)
    return tree[:begin] + _WORD.pack(_NOTHING) * ((end - begin) // _WORD.size) + tree[end:]


def _place(tree: bytes, path: str) -> "tuple[int, int]":
    """(first byte of a node, first byte behind it)."""
    try:
        magic, size, at, _ = _HEAD.unpack_from(tree)
        if magic != _MAGIC:
            raise ToolError("this is no device tree", 1)
        if size > len(tree):
            raise ToolError("the device tree is cut short", 1)
        names: "list[str]" = []
        begin = 0
        while True:
            (token,) = _WORD.unpack_from(tree, at)
            start, at = at, at + _WORD.size
            if token == _BEGIN:
                name = tree[at : tree.index(0, at)]
                at += len(name) + 1
                names.append(name.decode("ascii"))
                if "/".join(names) == path:
                    begin = start
            elif token == _END:
                if "/".join(names) == path:
                    return begin, at
                names.pop()
            elif token == _PROPERTY:
                at += 8 + int(_WORD.unpack_from(tree, at)[0])
            elif token != _NOTHING:
                break
            at += -at % _WORD.size
    except (struct.error, ValueError, IndexError):
        raise ToolError("the device tree is cut short", 1)
    if token != _LAST:
        raise ToolError("the device tree is cut short", 1)
    raise ToolError(f"the device tree has no {path}", 1)
