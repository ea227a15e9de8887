"""MicroPython's makemanifest.py, with modules that are called by their names instead of by their files.

    make_manifest.py MICROPYTHON ARGUMENTS…     as tools/makemanifest.py of MicroPython takes them

A frozen module has the name of its file as a string of its own, for tracebacks. Its dotted name is there already, for
imports: tracebacks show that, and 150 strings of some 40 bytes are not needed. The list that imports look a file up in
keeps the names of files. All else is MicroPython's own; its version is pinned, so what is reached into here stays.
"""

import importlib.util
import sys
from typing import Any

AS_TOOL = "--mpy-tool"


def load(path: str, name: str) -> Any:
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class Listed:
    """What a module is looked up by."""

    def __init__(self, text: str) -> None:
        self.str = text


def name_modules(tool: Any, modules: "list[Any]") -> None:
    """Give each compiled module its dotted name, and take the name of its file from the strings."""
    strings = {one.str: number for number, one in enumerate(tool.global_qstrs.qstrs) if one is not None}
    for module in modules:
        path = module.source_file.str
        name = path[: -len(".py")].replace("/", ".")
        name = name[: -len(".__init__")] if name.endswith(".__init__") else name
        module.source_file = Listed(path)
        number = strings.get(name)
        module.qstr_table[0] = tool.global_qstrs.add(name) if number is None else tool.global_qstrs.qstrs[number]
        for number, one in enumerate(tool.global_qstrs.qstrs):
            if one is not None and one.str == path:
                tool.global_qstrs.qstrs[number] = None


def main(top: str, arguments: "list[str]") -> None:
    """Run makemanifest.py, which runs this again in the place of mpy-tool.py."""
    sys.path.insert(0, top + "/tools")
    if arguments[:1] == [AS_TOOL]:
        tool = load(top + "/tools/mpy-tool.py", "mpy_tool")
        freeze = tool.freeze_mpy

        def freeze_named(known: "set[str]", modules: "list[Any]") -> None:
            name_modules(tool, modules)
            freeze(known, modules)

        tool.freeze_mpy = freeze_named
        tool.main(arguments[1:])
        return
    maker = load(top + "/tools/makemanifest.py", "makemanifest")
    run = maker.system

    def run_ours(command: "list[str]") -> Any:
        if command[1].endswith("mpy-tool.py"):
            command = [command[0], __file__, top, AS_TOOL, *command[2:]]
        return run(command)

    maker.system = run_ours
    sys.argv = [sys.argv[0], *arguments]
    maker.main()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
