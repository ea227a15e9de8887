"""What a firmware freezes of the package, with what the source says for its readers alone taken out.

A name costs a board heap: a constant is an entry in the dict of its module and in that of each module that imports it,
and one more look into a dict at each use. MicroPython's compiler sees one module at a time, so it takes out only what
a module keeps to itself. Here all modules are seen at once:

- a whole number that a module names once, by itself or of other such numbers, stands where the name stood, in other
  modules as well, and is named no more;
- a whole number of a class that nobody asks any object for, as the profile's for hosts, goes with its name;
- `if TYPE_CHECKING` and what asks for the interpreter are decided; `__all__`, `__slots__` and the import of `const` go;
- who imports from a module what that only passes on (`ports/`) imports it from where it is;
- a text, bytes or a tuple of such that only its module knows (`_NAME`) is what MicroPython calls a constant.

A name that is bound twice, set from outside, or asked for by a text, stays. Nothing else changes: what a function does,
it does on both interpreters. What is not frozen with them, as a program on a board's disk, is folded in the same way
(`fold_other`), since it may import what has no name any more.

`manifest.py` runs this, so it stands alone: the standard library of the Python that builds, and no module of ours.
"""

import ast
import os

PACKAGE = "jamliquor_lite"
CONST_MODULE = PACKAGE + ".const"
PORTS = PACKAGE + ".ports."  # modules that pass on what another one has
MOST = (1 << 30) - 1  # a larger number is an object at each place where it stands
# A module says it is for one interpreter so; the answer is the firmware's.
DECIDED = {"TYPE_CHECKING": False, "sys.implementation.name == 'micropython'": True}
DROPPED = ("__all__", "__slots__", "TYPE_CHECKING")


def module_name(path: str) -> str:
    """The module of a file named as when it is frozen: "jamliquor_lite/node/link.py", "main.py"."""
    parts = path[: -len(".py")].split("/")
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)


class Folding:
    """All modules of a firmware. `texts` holds what each comes to."""

    def __init__(self, texts: "dict[str, str]", keeps_names: bool) -> None:
        """`texts` has a source text for each file, by its name when frozen. `keeps_names` leaves numbers their names,
        for what is not folded and imports them."""
        self.keeps_names = keeps_names
        self.modules = {module_name(path): Module(path, text) for path, text in sorted(texts.items())}
        self.asked = {name for module in self.modules.values() for name in module.asked}
        for module in self.modules.values():
            places = module.places(self.modules)
            self.asked.update(name for base, name in module.attributes if base not in places)
        self.attributes = self.asked | {name for module in self.modules.values() for _, name in module.attributes}
        self._changed = {name for module in self.modules.values() for name in module.changed}
        self._imported = {place for module in self.modules.values() for place in module.imported}
        self._values: "dict[tuple[str, str], int]" = {}
        while self._find_values():
            pass
        self.texts = {module.path: self.fold(module) for module in self.modules.values()}

    def fold_other(self, path: str, text: str) -> str:
        """The text of a module beside them, which may import what is there no more."""
        return self.fold(Module(path, text))

    def fold(self, module: "Module") -> str:
        """The text of a module without what others, or it itself, name."""
        places = module.places(self.modules)
        tree = Fold(module, places, self).visit(module.tree)
        return text_of(ast.fix_missing_locations(tree))

    def origin(self, module: str, name: str) -> "tuple[str, str]":
        """Where what a module calls so was made: behind modules that only pass it on."""
        for _ in range(len(self.modules)):
            found = self.modules.get(module)
            if found is None or found.bound.get(name) != 1 or name not in found.passed:
                break
            source, there = found.passed[name]
            if source not in self.modules or (source + "." + there) in self.modules:
                break
            module, name = source, there
        return module, name

    def value(self, module: str, name: str) -> "int | None":
        """The number that a module calls so, if it is one that can be put in its place."""
        return self._values.get(self.origin(module, name))

    def is_private(self, module: str, name: str) -> bool:
        """Whether nobody else knows the name: neither by an import nor by a text."""
        return name.startswith("_") and not name.startswith("__") and not (
            name in self.asked or (module, name) in self._imported
        )

    def _find_values(self) -> bool:
        # One round: numbers that are made of those found before.
        count = len(self._values)
        for module in self.modules.values():
            places = module.places(self.modules)
            for name, expression in module.assigned.items():
                if (module.name, name) in self._values or module.bound[name] != 1 or name in self._changed:
                    continue
                value = self._number(expression, module, places)
                if value is not None and -MOST <= value <= MOST:
                    self._values[module.name, name] = value
        return len(self._values) > count

    def _number(self, node: ast.expr, module: "Module", places: "dict[str, tuple[str, str]]") -> "int | None":
        # What an expression of whole numbers and of names of such comes to.
        if isinstance(node, ast.Constant):
            return node.value if type(node.value) is int else None
        if isinstance(node, ast.Name):
            return self.value(*places.get(node.id, (module.name, node.id)))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "const" and len(node.args) == 1:
            return self._number(node.args[0], module, places)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Invert)):
            operand = self._number(node.operand, module, places)
            return None if operand is None else -operand if isinstance(node.op, ast.USub) else ~operand
        if isinstance(node, ast.BinOp):
            left = self._number(node.left, module, places)
            right = self._number(node.right, module, places)
            if left is None or right is None or abs(right) > MOST:
                return None
            return _reckoned(node.op, left, right)
        return None


def _reckoned(op: ast.operator, left: int, right: int) -> "int | None":
    if isinstance(op, ast.Add):
        return left + right
    if isinstance(op, ast.Sub):
        return left - right
    if isinstance(op, ast.Mult):
        return left * right
    if isinstance(op, ast.BitOr):
        return left | right
    if isinstance(op, ast.BitAnd):
        return left & right
    if isinstance(op, ast.FloorDiv) and right:
        return left // right
    if isinstance(op, ast.Mod) and right:
        return left % right
    if isinstance(op, (ast.LShift, ast.Pow)) and 0 <= right < 64 and abs(left) < 1 << 31:
        return left << right if isinstance(op, ast.LShift) else left**right
    if isinstance(op, ast.RShift) and 0 <= right < 64:
        return left >> right
    return None


class Module:
    """One module: its tree, with what is decided decided, and what it does with names.

    `bound` says how often each name is bound in it, in any scope; `assigned` has what it gives a name of its own, at
    its outermost level; `passed` has (module, name) of what it imports there from others, `imported` of all that it
    imports; `attributes` are what is asked of a name, `asked` of anything else, or named by a text; `changed` what is
    set on anything."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.name = module_name(path)
        self._package = self.name if path.endswith("__init__.py") else self.name.rpartition(".")[0]
        self.tree = Decide().visit(ast.parse(text, path))
        self.bound: "dict[str, int]" = {}
        self.assigned: "dict[str, ast.expr]" = {}
        self.passed: "dict[str, tuple[str, str]]" = {}
        self.imported: "set[tuple[str, str]]" = set()
        self.attributes: "set[tuple[str, str]]" = set()
        self.asked: "set[str]" = set()
        self.changed: "set[str]" = set()
        for node in ast.walk(self.tree):
            self._note(node)
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                self.assigned[node.targets[0].id] = node.value
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    self.passed[alias.asname or alias.name] = (self.source(node), alias.name)

    def source(self, node: ast.ImportFrom) -> str:
        """The full name of the module that is imported from."""
        parts = self._package.split(".") if node.level else []
        parts = parts[: len(parts) - node.level + 1] if node.level else []
        return ".".join([*parts, node.module] if node.module else parts)

    def places(self, modules: "dict[str, Module]") -> "dict[str, tuple[str, str]]":
        """name -> (module, name there, "" for the module itself) of what is imported and means one thing only."""
        found: "dict[str, set[tuple[str, str]]]" = {}
        counts: "dict[str, int]" = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    source, name = self.source(node), alias.asname or alias.name
                    whole = source + "." + alias.name
                    found.setdefault(name, set()).add((whole, "") if whole in modules else (source, alias.name))
                    counts[name] = counts.get(name, 0) + 1
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.asname:
                        found.setdefault(alias.asname, set()).add((alias.name, ""))
                        counts[alias.asname] = counts.get(alias.asname, 0) + 1
        return {
            name: next(iter(places)) for name, places in found.items()
            if len(places) == 1 and counts[name] == self.bound[name]
        }  # fmt: skip

    def _bind(self, name: str) -> None:
        self.bound[name] = self.bound.get(name, 0) + 1

    def _note(self, node: ast.AST) -> None:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            self._bind(node.id)
        elif isinstance(node, ast.arg):
            self._bind(node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self._bind(node.name)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            self._bind(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                self._bind(alias.asname or alias.name.partition(".")[0])
                if isinstance(node, ast.ImportFrom):
                    self.imported.add((self.source(node), alias.name))
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            for name in node.names:  # it may be set from there
                self._bind(name)
                self._bind(name)
        elif isinstance(node, ast.Attribute):
            if not isinstance(node.ctx, ast.Load):
                self.changed.add(node.attr)
            elif isinstance(node.value, ast.Name):
                self.attributes.add((node.value.id, node.attr))
            else:
                self.asked.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            self.asked.add(node.value)


class Decide(ast.NodeTransformer):
    """Decides what is asked of the interpreter, and drops what only readers and type checkers want."""

    def visit_If(self, node: ast.If) -> "ast.AST | list[ast.stmt] | None":
        answer = DECIDED.get(ast.unparse(node.test))
        self.generic_visit(node)
        if answer is None:
            return node
        return (node.body if answer else node.orelse) or None

    def visit_Assign(self, node: ast.Assign) -> "ast.AST | None":
        if any(isinstance(target, ast.Name) and target.id in DROPPED for target in node.targets):
            return None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> "ast.AST | None":
        if node.value is None:
            return None
        return self.generic_visit(ast.copy_location(ast.Assign([node.target], node.value), node))

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return _filled(self.generic_visit(node))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return _filled(self.generic_visit(node))

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return _filled(self.generic_visit(node))


def _filled(node: ast.AST) -> ast.AST:
    # A body that lost all that was in it.
    if not node.body:  # type: ignore[attr-defined]
        node.body = [ast.Pass()]  # type: ignore[attr-defined]
    return node


class Fold(ast.NodeTransformer):
    """Puts numbers in the places of their names, and drops what names them."""

    def __init__(self, module: Module, places: "dict[str, tuple[str, str]]", all_of: Folding) -> None:
        self._module = module
        self._places = places
        self._all = all_of

    def visit_Module(self, node: ast.Module) -> ast.AST:
        node.body = [
            kept for statement in node.body if not self._names_a_number(statement)
            for kept in [self.visit(self._private(statement))] if kept is not None
        ]  # fmt: skip
        loaded = {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load)}
        if "sys" not in loaded:
            node.body = [statement for statement in node.body if not _imports_sys(statement)]
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if not isinstance(node.ctx, ast.Load):
            return node
        value = self._value(node.id)
        return node if value is None else _literal(value)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and isinstance(node.ctx, ast.Load):
            module, name = self._places.get(node.value.id, ("", ""))
            value = self._all.value(module, node.attr) if module and not name else None
            if value is not None:
                return _literal(value)
        return self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> "ast.AST | None":
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> "ast.AST | list[ast.stmt] | None":
        source = self._module.source(node)
        if source == CONST_MODULE:
            return None
        groups: "dict[str, list[ast.alias]]" = {}
        for alias in node.names:
            bound = alias.asname or alias.name
            if self._value(bound) is not None:
                continue
            module, name = source, alias.name
            if source.startswith(PORTS) and source + "." + name not in self._all.modules:
                module, name = self._all.origin(source, name)
            groups.setdefault(module, []).append(ast.alias(name, None if name == bound else bound))
        if list(groups) == [source]:
            node.names = groups[source]
            return node
        made: "list[ast.stmt]" = [
            node if module == source else ast.ImportFrom(module, names, 0) for module, names in groups.items()
        ]
        if node in made:
            node.names = groups[source]
        return made or None

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        loaded = {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load)}
        node.body = [statement for statement in node.body if not self._is_unasked(statement, loaded)]
        return _filled(self.generic_visit(node))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return _filled(self.generic_visit(node))

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return _filled(self.generic_visit(node))

    def visit_If(self, node: ast.If) -> ast.AST:
        return _filled(self.generic_visit(node))

    def visit_Try(self, node: ast.Try) -> ast.AST:
        return _filled(self.generic_visit(node))

    def _value(self, name: str) -> "int | None":
        place = self._places.get(name)
        if place is not None:
            return self._all.value(*place) if place[1] else None
        return self._all.value(self._module.name, name) if self._module.bound.get(name) == 1 else None

    def _names_a_number(self, node: ast.stmt) -> bool:
        name = _named(node)
        if name is None or name in self._places or name in self._all.asked or self._all.keeps_names:
            return False
        return self._value(name) is not None

    def _is_unasked(self, node: ast.stmt, loaded: "set[str]") -> bool:
        name = _named(node)
        if name is None or name in loaded or name in self._all.attributes or self._all.keeps_names:
            return False
        return all(_is_of_numbers(part) for part in ast.walk(node.value))  # type: ignore[attr-defined]

    def _private(self, node: ast.stmt) -> ast.stmt:
        # `_NAME = "text"`, which MicroPython's compiler drops as a name when it is told that it may.
        name = _named(node)
        if name is None or self._module.bound[name] != 1:
            return node
        if not self._all.is_private(self._module.name, name):
            return node
        value = node.value  # type: ignore[attr-defined]
        if _is_fixed(value):
            return ast.Assign([ast.Name(name, ast.Store())], ast.Call(ast.Name("const", ast.Load()), [value], []))
        return node


def text_of(tree: ast.AST) -> str:
    """A module as text."""
    # `a, b = (c, d)`, as Python writes it, makes a tuple where `a, b = c, d` makes none.
    bare = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple) and len(node.targets) == 1:
            sides = node.targets[0], node.value
            if all(isinstance(side, ast.Tuple) and 2 <= len(side.elts) <= 3 for side in sides):
                bare[ast.unparse(node)] = " = ".join(", ".join(map(ast.unparse, side.elts)) for side in sides)
    lines = ast.unparse(tree).split("\n")
    for number, line in enumerate(lines):
        text = line.lstrip()
        if text in bare:
            lines[number] = line[: len(line) - len(text)] + bare[text]
    return "\n".join(lines) + "\n"


def _imports_sys(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import) and [alias.name for alias in node.names] == ["sys"]


def _named(node: ast.stmt) -> "str | None":
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return None


def _is_of_numbers(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return type(node.value) is int
    return isinstance(node, (ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop))


def _is_fixed(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (str, bytes))
    return isinstance(node, ast.Tuple) and all(
        _is_fixed(item) or (isinstance(item, ast.Constant) and type(item.value) is int) for item in node.elts
    )


def _literal(value: int) -> ast.expr:
    return ast.Constant(value) if value >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-value))


def read(root: str, files: "list[str]") -> "dict[str, str]":
    """The texts of these files of the package, by their names when frozen; `root` holds the package."""
    texts = {}
    for file in files:
        with open(os.path.join(root, PACKAGE, file), encoding="utf-8") as source:
            texts[PACKAGE + "/" + file.replace(os.sep, "/")] = source.read()
    return texts
