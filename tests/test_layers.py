"""The rules that a reader of one module relies on, checked on the text of all of them.

Imports go one way; runtime differences stay in ports/; portable modules keep to what MicroPython has; a module
is short enough to be read in one sitting. Adding an edge to the table is a decision about the design.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "jamliquor_lite"
MODULES = sorted(PACKAGE.rglob("*.py"))

EVERYBODY = {"errors", "const"}
CORE = {"budget", "codec", "crypto", "transport", "p2p", "jam", "chain", "sync", "mempool", "ports"}
LINK = "ports.cpython.link"
# Sockets and serial lines: for the node and the entry points.
LINKS = {LINK, "ports.tcp", "ports.tty", "ports.cpython.tcp", "ports.cpython.tty", "ports.cpython.waker"}

# package: what it may import, as packages or as single modules.
EDGES = {
    "errors": set(),
    "const": set(),
    "ports": set(),
    "budget": set(),
    "codec": set(),
    "crypto": {"codec", "ports"},
    "transport": {"budget", "codec", "crypto"},
    "p2p": {"budget", "codec", "crypto"},
    "jam": {"budget", "codec"},
    "chain": {"budget", "codec", "crypto", "ports.memory"},  # hashes and keys are compared and kept where they lie
    "sync": {"chain", "jam", "budget", "codec"},
    "mempool": {"budget", "codec", "crypto"},
    "node": {*CORE, LINK},
    "console": {"node.status", "codec"},
    "rpc": {*CORE, LINK, "node", "console"},
    "gateway": {*CORE, LINK, "node"},
    "devnet": {*CORE, LINK, "node"},
    # Puts software onto boards: CPython only. It writes the file, or sends the request, that sets a board's network.
    "flash": {"console", "codec", "ports.micropython.wlan"},
    "monitor": {"console", "node.status", "codec"},  # watches a board from outside: CPython only
    "cli": {*CORE, LINK, "node", "console", "rpc", "gateway", "devnet", "flash", "monitor"},
    "boot": {*CORE, LINK, "node", "console"},  # a board's entry point: nothing imports it
    "": set(),  # the package's own __init__
}
# A single module may need what its package as a whole may not.
MODULE_EDGES = {
    # Copies that take no heap on a board, where bytes go from one lent buffer to another.
    "budget.queue": {"ports.memory"},
    "transport.frame_buffers": {"ports.memory"},
}

PORTABLE = ("errors", "const", "budget", "codec", "crypto", "transport", "chain", "jam", "sync", "p2p", "console",
            "boot")
PORTABLE_MODULES = tuple(
    "node" + name for name in (
        "", ".admission", ".alarm", ".answers", ".asking", ".attesting", ".board_config", ".board_node", ".bootstrap",
        ".budget_numbers",
        ".carrier", ".face", ".flash", ".kernel", ".libp2p", ".link", ".members", ".mode", ".node", ".peers", ".pins",
        ".places", ".quality", ".questions", ".race", ".serial_port", ".services", ".status",
        ".told", ".traffic", ".turn",
        ".watching",
    )
)
NOT_PORTABLE = ("transport.quic",)  # modules of portable layers, by how their names begin: QUIC is aioquic
ABSENT = {"dataclasses", "enum", "typing", "tomllib", "__future__", "abc", "collections.abc", "contextlib", "logging"}
MAX_LINES = 400


def dotted(path: Path) -> str:
    """The module's name within the package: `codec.cursor`, `ports` for a folder's __init__."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer(name: str) -> str:
    return name.split(".")[0]


def inner_imports(path: Path, tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, module within the package) for everything of the package that the module imports, anywhere."""
    folder = path.relative_to(PACKAGE).parts[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "jamliquor_lite":
                    yield node.lineno, alias.name.partition(".")[2]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                base = list(folder[: len(folder) + 1 - node.level])
            elif node.module and node.module.split(".")[0] == "jamliquor_lite":
                base = []
            else:
                continue
            named = (node.module or "").split(".") if node.module else []
            base += named if node.level else named[1:]
            for alias in node.names:
                inner = PACKAGE.joinpath(*base, alias.name)
                is_module = inner.with_suffix(".py").exists() or inner.is_dir()
                yield node.lineno, ".".join([*base, alias.name] if is_module else base)


def allowed(importer: str, imported: str) -> bool:
    """Whether the table has the edge."""
    if imported == "" or layer(importer) == layer(imported) or layer(imported) in EVERYBODY:
        return True
    rights = EDGES.get(layer(importer), set()) | MODULE_EDGES.get(importer, set())
    if imported in LINKS:
        return LINK in rights or layer(importer) == "ports"
    return imported in rights or layer(imported) in rights


def portable(name: str) -> bool:
    """Whether the module runs on MicroPython too."""
    return name in PORTABLE_MODULES or (layer(name) in PORTABLE and not name.startswith(NOT_PORTABLE))


def type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def at_run_time(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those under `if TYPE_CHECKING:`, which no interpreter executes."""
    for child in ast.iter_child_nodes(tree):
        if type_checking(child):
            continue
        yield child
        yield from at_run_time(child)


def unportable(node: ast.AST, has_tasks: bool = False) -> str:
    """What MicroPython makes of this node, "" when all is well. `has_tasks`: the module may have coroutines."""
    if isinstance(node, ast.Match):
        return "`match` does not parse"
    if isinstance(node, ast.arguments) and node.posonlyargs:
        return "positional-only parameters do not parse"
    if isinstance(node, (ast.Tuple, ast.List)) and isinstance(node.ctx, ast.Load):
        if any(isinstance(item, ast.Starred) for item in node.elts):
            return "`(*a, b)` does not parse"
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        if any(isinstance(inner, ast.Await) for inner in ast.walk(node)):
            return "`await` in a comprehension does not parse"
    if isinstance(node, ast.Raise) and node.cause is not None:
        return "`raise … from …` keeps no cause; put the code on the exception"
    if isinstance(node, (ast.TryStar, ast.AsyncFor, ast.AsyncWith)):
        return f"{type(node).__name__} is for ports/cpython/"
    if isinstance(node, (ast.AsyncFunctionDef, ast.Await)) and not has_tasks:
        return f"{type(node).__name__} is for ports/ and node/"
    if isinstance(node, ast.Delete) and any(
        isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice) for target in node.targets
    ):
        return "`del buffer[a:b]` fails; keep offsets"
    if isinstance(node, ast.Attribute) and node.attr in ("bit_length", "bit_count"):
        return f"`.{node.attr}` is missing"
    if isinstance(node, ast.Attribute) and node.attr == "blake2b":
        if isinstance(node.value, ast.Name) and node.value.id == "hashlib":
            return "`hashlib.blake2b` is missing; use crypto.suite"
    names = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and not node.level:
        names = [node.module or ""]
    for name in names:
        if name in ABSENT:
            return f"module `{name}` is missing"
    return ""


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_imports_go_one_way(path: Path) -> None:
    name = dotted(path)
    wrong = [
        f"line {line}: {name} -> {imported}"
        for line, imported in inner_imports(path, tree_of(path))
        if not allowed(name, imported)
    ]
    assert not wrong


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_a_module_is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", [path for path in MODULES if layer(dotted(path)) != "ports"], ids=dotted)
def test_runtime_differences_stay_in_ports(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Attribute) and node.attr == "implementation":
            assert not (isinstance(node.value, ast.Name) and node.value.id == "sys"), f"line {node.lineno}"
        if isinstance(node, ast.Try) and node.handlers:  # an import whose failure is caught chooses a runtime
            inside = [step for step in node.body if isinstance(step, (ast.Import, ast.ImportFrom))]
            assert not inside, f"line {node.lineno}: try: import"


@pytest.mark.parametrize("path", [path for path in MODULES if portable(dotted(path))], ids=dotted)
def test_portable_modules_keep_to_the_common_language(path: Path) -> None:
    wrong = []
    for node in at_run_time(tree_of(path)):
        fault = unportable(node, layer(dotted(path)) == "node")
        if fault:
            wrong.append(f"line {getattr(node, 'lineno', '?')}: {fault}")
    assert not wrong


def test_every_package_is_in_the_table() -> None:
    assert {layer(dotted(path)) for path in MODULES} <= set(EDGES)


@pytest.mark.parametrize(
    ("importer", "imported", "verdict"),
    [
        ("chain.header", "codec.cursor", True),
        ("chain.header", "errors", True),
        ("chain.header", "jam.kinds", False),
        ("chain.header", "ports", False),
        ("jam.framing", "transport.quic", False),
        ("codec.cursor", "crypto.suite", False),
        ("crypto.suite", "ports", True),
        ("transport.quic", LINK, False),
        ("node.node", LINK, True),
        ("sync.follow", LINK, False),
        ("console.lines", "node.status", True),
        ("console.lines", "node.node", False),
        ("node.node", "cli.main", False),
    ],
)
def test_the_table_says_what_it_should(importer: str, imported: str, verdict: bool) -> None:
    assert allowed(importer, imported) is verdict


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("transport.noise", True), ("transport.quic", False), ("transport.quic_core", False), ("node.quic", False),
     ("node.node", True)],
)
def test_which_modules_are_portable(name: str, verdict: bool) -> None:
    assert portable(name) is verdict


@pytest.mark.parametrize(
    "text",
    [
        "match x:\n case 1: pass",
        "def f(a, /): pass",
        "raise A from B",
        "del buf[:3]",
        "a = (*b, c)",
        "n.bit_length()",
        "hashlib.blake2b()",
        "import enum",
        "from typing import Any",
        "from __future__ import annotations",
        "async def f(): pass",
        "async def f(): return [await x for x in y]",
    ],
)
def test_unportable_constructs_are_seen(text: str) -> None:
    assert any(unportable(node) for node in at_run_time(ast.parse(text)))


def test_a_type_checking_block_is_not_run() -> None:
    text = "if TYPE_CHECKING:\n from typing import Any\n"
    assert not any(unportable(node) for node in at_run_time(ast.parse(text)))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from ..codec import cursor", "codec.cursor"),
        ("from ..codec.cursor import Cursor", "codec.cursor"),
        ("from . import header", "chain.header"),
        ("from .. import ports", "ports"),
        ("import jamliquor_lite.jam.kinds", "jam.kinds"),
        ("from jamliquor_lite.jam import kinds", "jam.kinds"),
        ("def f():\n from ..ports.cpython import link", LINK),
    ],
)
def test_imports_are_resolved(text: str, found: str) -> None:
    assert [name for _, name in inner_imports(PACKAGE / "chain" / "light.py", ast.parse(text))] == [found]
