"""Puts modules that a board always loads together into one: all of a folder become the folder's package.

A module costs a board's heap some 100 bytes beside what is in it, and a name that it imports is an entry in its dict: a
class that ten modules of `transport/` use is eleven entries, and one when these are one module. Statements stay in the
order in which imports would have run them. A name that two modules of a folder give to different things is changed in
one of them; who imports from a merged module imports from its package.

Nothing is merged that some boards load and others do not, or only when somebody asks.
"""

import ast
import builtins

from folding import PACKAGE, Folding, module_name, text_of
from scopes import Scoped, inner_names, outermost, undefined

# What a board loads by itself, with all that these import: it begins, follows a chain and has flash for it.
ROOTS = tuple(
    PACKAGE + "." + name
    for name in (
        "budget.pools", "budget.profile", "ports.board", "crypto.suite", "transport.connection", "boot",
        "node.board_node", "node.flash", "chain.flash_rows", "chain.long_header", "ports.flash",
    )
)  # fmt: skip


# The folders that are merged. Not those whose code runs in every handshake, header and proof (chain, crypto,
# transport): a name is found the more slowly the more there are in its module, and a handshake takes a million
# instructions more.
FOLDERS = tuple(PACKAGE + "." + name for name in ("budget", "codec", "console", "jam", "node", "p2p", "sync"))


class Unmergeable(Exception):
    """A merged module is used as a value, or a name cannot be changed where it must."""


class Source:
    """One module: `trees` of its statements, `own` what it names itself at its outermost level."""

    def __init__(self, name: str, text: str, is_package: bool) -> None:
        self.name = name
        self.is_package = is_package
        self.tree = ast.parse(text)
        self.own: "set[str]" = set()
        for node in outermost(self.tree.body):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                self.own.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self.own.add(node.id)
        for statement in self.tree.body:
            if not isinstance(statement, (ast.Import, ast.ImportFrom)):
                for node in outermost([statement]):
                    if isinstance(node, (ast.Import, ast.ImportFrom)):
                        self.own.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)
        self.identifiers = {node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name)}
        self.identifiers |= {node.arg for node in ast.walk(self.tree) if isinstance(node, ast.arg)}
        self.inner = inner_names(self.tree)

    def source(self, node: ast.ImportFrom) -> str:
        """The full name of the module that is imported from."""
        if not node.level:
            return node.module or ""
        parts = self.name.split(".") if self.is_package else self.name.split(".")[:-1]
        parts = parts[: len(parts) - node.level + 1]
        return ".".join([*parts, node.module] if node.module else parts)


class Merged:
    """`texts` holds the text of each file, by its name when frozen: of a merged module that is none."""

    def __init__(self, texts: "dict[str, str]", roots: "tuple[str, ...]", folders: "tuple[str, ...]") -> None:
        """`roots` are modules that every board loads, `folders` the packages that are merged."""
        self._paths = {module_name(path): path for path in texts}
        self._sources = {name: Source(name, texts[path], path.endswith("/__init__.py"))
                         for name, path in self._paths.items()}
        order: "list[str]" = []
        for root in roots:
            self._visit(root, order, set(order))
        self._groups: "dict[str, list[str]]" = {}
        self._home: "dict[str, str]" = {}  # module -> the package that it is in
        for name in order:
            package = name if self._sources[name].is_package else name.rpartition(".")[0]
            if package in folders:
                self._groups.setdefault(package, []).append(name)
                self._home[name] = package
        self._final: "dict[tuple[str, str], str]" = {}  # (module, its name for something) -> that of the package
        self._spaces: "dict[str, dict[str, object]]" = {}
        for package in self._ordered():
            self._name(package)
        self.texts = {}
        for name, source in self._sources.items():
            if name in self._groups:
                self.texts[self._paths[name]] = self._package(name)
            elif name not in self._home:
                self.texts[self._paths[name]] = self.rewrite(self._paths[name], ast.unparse(source.tree))
        for path, text in self.texts.items():
            if undefined(text, path):
                raise Unmergeable(f"{path}: nothing is called {', '.join(sorted(undefined(text, path)))}")

    def rewrite(self, path: str, text: str) -> str:
        """The text of a module that is not merged: its imports name packages."""
        source = Source(module_name(path), text, path.endswith("/__init__.py"))
        tree = Imports(self, source).visit(source.tree)
        return text_of(ast.fix_missing_locations(tree))

    def target(self, module: str, name: str) -> "tuple[str, str]":
        """(module, name) to import in the place of a name of a module."""
        whole = module + "." + name
        if whole in self._home:
            package, _, last = self._home[whole].rpartition(".")
            return package, last
        if whole not in self._sources and module in self._home:
            return self._home[module], self._final.get((module, name), name)
        return module, name

    def meant(self, module: str, name: str) -> str:
        """The merged module that a module's name stands for, "" if it stands for none."""
        whole = module + "." + name
        while whole not in self._home:
            source = self._sources.get(module)
            for statement in source.tree.body if source else []:
                if isinstance(statement, ast.ImportFrom) and source is not None:
                    for alias in statement.names:
                        if (alias.asname or alias.name) == name:
                            return self.meant(source.source(statement), alias.name)
            return ""
        return whole

    def home(self, module: str) -> str:
        """The package that a module is in, or the module itself."""
        return self._home.get(module, module)

    def final(self, module: str, name: str) -> "str | None":
        """What a merged module's name is called in its package."""
        return self._final.get((module, name))

    def _visit(self, name: str, order: "list[str]", seen: "set[str]") -> None:
        # Modules in the order in which imports finish.
        if name in seen or name not in self._sources:
            return
        seen.add(name)
        self._visit(name.rpartition(".")[0], order, seen)
        source = self._sources[name]
        # Not what is tried: where it fails, and what stands in then, depends on the interpreter.
        certain = [statement for statement in source.tree.body if not isinstance(statement, ast.Try)]
        imports = [node for node in outermost(certain) if isinstance(node, (ast.Import, ast.ImportFrom))]
        for node in sorted(imports, key=lambda node: node.lineno):
            if isinstance(node, ast.ImportFrom):
                module = source.source(node)
                self._visit(module, order, seen)
                for alias in node.names:
                    self._visit(module + "." + alias.name, order, seen)
            else:
                for alias in node.names:
                    self._visit(alias.name, order, seen)
        order.append(name)

    def _ordered(self) -> "list[str]":
        # Packages in the order of their imports; they must not go round in a circle.
        needs: "dict[str, set[str]]" = {}
        for package, members in self._groups.items():
            needs[package] = set()
            for name in members:
                source = self._sources[name]
                for node in outermost(source.tree.body):
                    if isinstance(node, ast.ImportFrom):
                        module = source.source(node)
                        for found in (module, *(module + "." + alias.name for alias in node.names)):
                            needs[package].add(self._home.get(found, package))
            needs[package].discard(package)
        order: "list[str]" = []
        while len(order) < len(needs):
            ready = [package for package in needs if package not in order and needs[package] <= set(order)]
            if not ready:
                left = {package: sorted(needs[package] - set(order)) for package in needs if package not in order}
                raise Unmergeable(f"imports go round in a circle: {left}")
            order += ready
        return order

    def _name(self, package: str) -> None:
        # Give a name in the package to all that its modules name.
        space: "dict[str, object]" = {}
        self._spaces[package] = space
        members = [self._sources[name] for name in self._groups[package]]
        everywhere = set().union(*(member.identifiers for member in members))
        taken = {name for name in dir(builtins)} | {"const"}

        def place(thing: object, wanted: str, avoided: "frozenset[str] | set[str]" = frozenset()) -> str:
            for known, other in space.items():
                if other == thing:
                    return known
            name, number = wanted, 1
            while name in space or name in taken or name in avoided or (number > 1 and name in everywhere):
                number += 1
                name = "%s_%d" % (wanted, number)
            space[name] = thing
            return name

        for member in members:
            for name in sorted(member.own, key=lambda name: (name.startswith("_"), name)):
                # Where another module says `module.name`, a variable of a function would stand before the name alone.
                avoided = set().union(*(other.inner for other in members if other is not member))
                self._final[member.name, name] = place((member.name, name), name, avoided)
        for member in members:
            for statement in member.tree.body:
                if isinstance(statement, ast.Import):
                    for alias in statement.names:
                        bound = alias.asname or alias.name
                        self._final[member.name, bound] = place("import " + self.home(alias.name), bound)
                elif isinstance(statement, ast.ImportFrom):
                    module = member.source(statement)
                    for alias in statement.names:
                        bound, whole = alias.asname or alias.name, module + "." + alias.name
                        if self._home.get(whole) == package:
                            continue
                        if whole not in self._sources and self._home.get(module) == package:
                            self._final[member.name, bound] = self._final[module, alias.name]
                        else:
                            thing = "from %s import %s" % self.target(module, alias.name)
                            self._final[member.name, bound] = place(thing, bound)

    def _package(self, package: str) -> str:
        body: "list[ast.stmt]" = []
        done: "set[str]" = set()
        space = self._spaces[package]
        names = {thing: name for name, thing in space.items() if isinstance(thing, str)}
        for name in self._groups[package]:
            source = self._sources[name]
            tree = Merge(self, source).visit(source.tree)
            for statement in tree.body:
                if not isinstance(statement, (ast.Import, ast.ImportFrom)):
                    body.append(statement)
                    continue
                for alias in statement.names:
                    thing = "import " + self.home(alias.name)
                    if isinstance(statement, ast.ImportFrom):
                        module = source.source(statement)
                        whole = module + "." + alias.name
                        if self._home.get(whole) == package:
                            continue
                        if whole not in self._sources and self._home.get(module) == package:
                            continue
                        thing = "from %s import %s" % self.target(module, alias.name)
                    if thing in done:
                        continue
                    done.add(thing)
                    asked = thing.split(" ")[-1]
                    text = thing if names[thing] == asked else thing + " as " + names[thing]
                    body.append(ast.parse(text).body[0])
        return text_of(ast.fix_missing_locations(ast.Module(body, [])))


class Imports(Scoped):
    """Imports of merged modules, in a module that is not merged or inside of functions."""

    def __init__(self, merged: Merged, source: Source) -> None:
        super().__init__()
        self._merged = merged
        self._source = source
        self._modules: "dict[str, str]" = {}  # names that stand for merged modules
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    found = merged.meant(source.source(node), alias.name)
                    if found:
                        self._modules[alias.asname or alias.name] = found

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        base = node.value
        if isinstance(base, ast.Name) and base.id in self._modules:
            node.attr = self._merged.final(self._modules[base.id], node.attr) or node.attr
        return self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> ast.AST:
        for alias in node.names:
            bound = alias.asname or alias.name
            alias.name = self._merged.home(alias.name)
            if "." not in bound:
                alias.asname = None if self.bound(bound) == alias.name else self.bound(bound)
        return node

    def bound(self, name: str) -> str:
        """What an import binds in the place of a name."""
        return name

    def visit_ImportFrom(self, node: ast.ImportFrom) -> "ast.AST | list[ast.stmt]":
        module = self._source.source(node)
        found: "dict[str, list[ast.alias]]" = {}
        for alias in node.names:
            bound = alias.asname or alias.name
            target, name = self._merged.target(module, alias.name)
            bound = self.bound(bound)
            found.setdefault(target, []).append(ast.alias(name, None if name == bound else bound))
        if list(found) == [module]:
            node.names = found[module]
            return node
        return [ast.ImportFrom(target, names, 0) for target, names in found.items()]


class Merge(Imports):
    """A module on its way into its package: its names become the package's."""

    def __init__(self, merged: Merged, source: Source) -> None:
        super().__init__(merged, source)
        self._package = merged.home(source.name)
        self._refs: "dict[str, str]" = {}  # names that stand for modules of the same package
        for statement in source.tree.body:
            if isinstance(statement, ast.ImportFrom):
                module = source.source(statement)
                for alias in statement.names:
                    whole = module + "." + alias.name
                    if merged.home(whole) == self._package and whole != self._package:
                        self._refs[alias.asname or alias.name] = whole

    def visit_Module(self, node: ast.Module) -> ast.AST:
        node.body = [
            statement if isinstance(statement, (ast.Import, ast.ImportFrom)) else self.visit(statement)
            for statement in node.body
        ]
        return node

    def _named(self, name: str) -> str:
        if not self.is_outer(name):
            return name
        if name in self._refs:
            raise Unmergeable(f"{self._source.name}: {name} is used as a value")
        found = self._merged.final(self._source.name, name)
        if found is None:
            return name  # a builtin's
        if found != name and not self.is_outer(found):
            raise Unmergeable(f"{self._source.name}: {name} would be {found}, which a function has")
        return found

    def bound(self, name: str) -> str:
        """One that is tried at the outermost level binds a name of the module's."""
        return self._named(name) if not self._scopes else name

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self._named(node.id)
        return node

    def visit_Global(self, node: ast.Global) -> ast.AST:
        node.names = [self._named(name) for name in node.names]
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        base = node.value
        if isinstance(base, ast.Name) and base.id in self._refs and self.is_outer(base.id):
            name = self._merged.final(self._refs[base.id], node.attr) or node.attr
            if not self.is_outer(name):
                raise Unmergeable(f"{self._source.name}: {base.id}.{node.attr} would be {name}, which a function has")
            return ast.Name(name, node.ctx)
        return super().visit_Attribute(node)

    def visit_FunctionDef(self, node: "ast.FunctionDef | ast.AsyncFunctionDef") -> ast.AST:
        node.name = node.name if self._scopes and self._scopes[-1][0] else self._named(node.name)
        return super().visit_FunctionDef(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.name = node.name if self._scopes and self._scopes[-1][0] else self._named(node.name)
        return super().visit_ClassDef(node)


class Frozen:
    """The package as a board has it: folded, merged. `modules` are the names of all that there was."""

    def __init__(self, texts: "dict[str, str]") -> None:
        self._folding = Folding(texts, False)
        self._merged = Merged(self._folding.texts, ROOTS, FOLDERS)
        self.texts = self._merged.texts
        self.modules = set(self._folding.modules)

    def fold_other(self, path: str, text: str) -> str:
        """The text of a module beside them, which finds all that it imports where it is now."""
        folded: str = self._folding.fold_other(path, text)
        return self._merged.rewrite(path, folded)
