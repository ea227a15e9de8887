"""Which names of a module are its own where they stand, and which a function's or a class's."""

import ast
import builtins
import symtable

_VIPER = ("ptr", "ptr8", "ptr16", "ptr32", "uint")  # types of MicroPython's machine code


def outermost(statements: "list[ast.stmt]") -> "list[ast.AST]":
    """All nodes of the outermost scope, those that open another one included and what is in them not."""
    found: "list[ast.AST]" = []
    waiting: "list[ast.AST]" = list(statements)
    while waiting:
        node = waiting.pop()
        found.append(node)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            waiting.extend(node.decorator_list)
        elif isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)):
            continue
        else:
            waiting.extend(ast.iter_child_nodes(node))
    return found


def inner_names(tree: ast.AST) -> "set[str]":
    """All names that functions and comprehensions of a module have for themselves."""
    found: "set[str]" = set()
    opening = (
        ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp
    )
    for scope in ast.walk(tree):
        if not isinstance(scope, opening):
            continue
        for node in ast.walk(scope):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                found.add(node.id)
            elif isinstance(node, ast.arg):
                found.add(node.arg)
            elif isinstance(node, ast.ExceptHandler) and node.name:
                found.add(node.name)
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                found.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node is not scope:
                found.add(node.name)
    return found


def undefined(text: str, path: str) -> "set[str]":
    """Names that a module uses as its own or a builtin's, and that are neither."""
    top = symtable.symtable(text, path, "exec")
    known = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    known |= {symbol.get_name() for symbol in top.get_symbols() if symbol.is_namespace()}
    known |= set(dir(builtins)) | {"const", "__file__", *_VIPER}
    found: "set[str]" = set()
    waiting = [top]
    while waiting:
        table = waiting.pop()
        waiting += table.get_children()
        for symbol in table.get_symbols():
            is_outer = symbol.is_global() or table is top
            if is_outer and symbol.is_referenced() and symbol.get_name() not in known:
                found.add(symbol.get_name())
            if symbol.is_declared_global() and symbol.is_assigned():
                known.add(symbol.get_name())
    return found - known


class Scoped(ast.NodeTransformer):
    """Knows which names are a module's own where they stand: those of functions and classes are not."""

    def __init__(self) -> None:
        self._scopes: "list[tuple[bool, set[str], set[str]]]" = []  # (is a class, names, those that are global)

    def is_outer(self, name: str) -> bool:
        """Whether the name stands for what the module calls so."""
        for number, (is_class, names, outer) in enumerate(reversed(self._scopes)):
            if is_class and number:
                continue
            if name in outer:
                return True
            if name in names:
                return False
        return True

    def _within(self, node: ast.AST, is_class: bool, names: "set[str]", parts: "list[ast.stmt]") -> None:
        outer: "set[str]" = set()
        for part in parts:
            for inner in outermost([part]):
                if isinstance(inner, ast.Global):
                    outer.update(inner.names)
                elif isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Load):
                    names.add(inner.id)
                elif isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                    names.add(inner.name)
                elif isinstance(inner, ast.ExceptHandler) and inner.name:
                    names.add(inner.name)
                elif isinstance(inner, (ast.Import, ast.ImportFrom)):
                    names.update(alias.asname or alias.name.partition(".")[0] for alias in inner.names)
                elif isinstance(inner, ast.Nonlocal):
                    names.difference_update(inner.names)
        self._scopes.append((is_class, names - outer, outer))

    def visit_FunctionDef(self, node: "ast.FunctionDef | ast.AsyncFunctionDef") -> ast.AST:
        node.decorator_list = [self.visit(part) for part in node.decorator_list]
        arguments = node.args
        arguments.defaults = [self.visit(part) for part in arguments.defaults]
        arguments.kw_defaults = [part and self.visit(part) for part in arguments.kw_defaults]
        self._within(node, False, {part.arg for part in ast.walk(arguments) if isinstance(part, ast.arg)}, node.body)
        node.body = [self.visit(part) for part in node.body]
        self._scopes.pop()
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self.visit_FunctionDef(node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        node.args.defaults = [self.visit(part) for part in node.args.defaults]
        self._scopes.append((False, {part.arg for part in ast.walk(node.args) if isinstance(part, ast.arg)}, set()))
        node.body = self.visit(node.body)
        self._scopes.pop()
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.decorator_list = [self.visit(part) for part in node.decorator_list]
        node.bases = [self.visit(part) for part in node.bases]
        self._within(node, True, set(), node.body)
        node.body = [self.visit(part) for part in node.body]
        self._scopes.pop()
        return node

    def _comprehension(self, node: ast.AST) -> ast.AST:
        targets = {
            part.id for generator in node.generators  # type: ignore[attr-defined]
            for part in ast.walk(generator.target) if isinstance(part, ast.Name)
        }  # fmt: skip
        self._scopes.append((False, targets, set()))
        self.generic_visit(node)
        self._scopes.pop()
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension
