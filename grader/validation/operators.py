"""Machine-made mistakes: one operator, constant, argument or statement changed.

A change is a replacement of source text at a node of the syntax tree, so that what a
survivor looks like is exactly one changed line. Functions marked "Given:" are not the
student's and stay; so do texts, annotations and what stands outside functions.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

ARITHMETIC: Final[dict[type[ast.operator], str]] = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.Pow: "*",
    ast.FloorDiv: "/",
    ast.Mod: "*",
}
COMPARISONS: Final[dict[type[ast.cmpop], str]] = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
FUNCTIONS: Final = {
    "maximum": "minimum",
    "minimum": "maximum",
    "max": "min",
    "min": "max",
    "sum": "mean",
    "mean": "sum",
    "argmax": "argmin",
    "zeros": "ones",
    "zeros_like": "ones_like",
    "ones": "zeros",
    "ones_like": "zeros_like",
    "exp": "expm1",
    "log": "log1p",
    "floor": "ceil",
    "sin": "cos",
    "cos": "sin",
}
TINY: Final = 1e-3  # twice an epsilon is still an epsilon
SKIPPED: Final = frozenset({"__repr__", "__dir__"})


@dataclass(frozen=True)
class Change:
    """One changed place of one file.

    Attributes:
        function: "Tensor.sum".
        line: of the change, from 1.
        old, new: the changed lines before and after, without indentation.
        text: the whole file with the change made.
    """

    file: str
    function: str
    line: int
    old: str
    new: str
    text: str

    @property
    def name(self) -> str:
        """Say what is changed where; unique together with `line`."""
        return f"{self.file}:{self.line} {self.function}: {self.new}"


def changes(file: str, text: str) -> list[Change]:
    """Return every machine-made change of one file that still parses."""
    made: dict[str, Change] = {}
    for function, node in _functions(ast.parse(text)):
        for place, new in _mutations(node):
            change = _change(file, text, function, place, new)
            if change is not None and change.text != text:
                made.setdefault(change.text, change)
    return list(made.values())


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in tree.body:
        parents = [("", node)]
        if isinstance(node, ast.ClassDef):
            parents = [(f"{node.name}.", child) for child in node.body]
        for prefix, child in parents:
            if not isinstance(child, ast.FunctionDef) or child.name in SKIPPED:
                continue
            if not (ast.get_docstring(child) or "").startswith("Given:"):
                yield prefix + child.name, child


def _mutations(function: ast.FunctionDef) -> Iterator[tuple[ast.AST, str]]:
    """Yield (node, text to put in its place) for every change."""
    arguments = function.args
    todo: list[ast.AST] = [*arguments.defaults, *filter(None, arguments.kw_defaults)]
    todo += [n for n in function.body if not _is_text(n)]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Raise | ast.Assert):
            continue  # what an error says is not compared entry by entry
        yield from _of_node(node)
        for name, child in ast.iter_fields(node):
            if name in {"annotation", "returns", "type_comment"}:
                continue
            todo += [c for c in _listed(child) if isinstance(c, ast.AST)]


def _listed(child: object) -> list[object]:
    return child if isinstance(child, list) else [child]


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _of_node(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    match node:
        case ast.BinOp() | ast.Compare() | ast.BoolOp() | ast.UnaryOp():
            yield from ((node, new) for new in _other_expression(node))
        case ast.AugAssign(target, operator, value):
            yield node, f"{_text(target)} = {_text(value)}"
            if type(operator) in ARITHMETIC:
                symbol = ARITHMETIC[type(operator)]
                yield node, f"{_text(target)} {symbol}= {_text(value)}"
        case ast.Constant(value):
            yield from ((node, new) for new in _other_constant(value))
        case ast.Call():
            yield from _of_call(node)
        case ast.Expr(ast.Call()) | ast.Assign([ast.Attribute()]):
            yield node, "pass"
        case _:
            return


def _other_expression(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.BinOp(left, operator, right) if type(operator) in ARITHMETIC:
            if not (_is_string(left) or _is_string(right)):
                symbol = ARITHMETIC[type(operator)]
                yield f"({_text(left)} {symbol} {_text(right)})"
        case ast.Compare(left, [compared], [right]) if type(compared) in COMPARISONS:
            symbol = COMPARISONS[type(compared)]
            yield f"({_text(left)} {symbol} {_text(right)})"
        case ast.BoolOp(joined, values):
            word = " or " if isinstance(joined, ast.And) else " and "
            yield f"({word.join(f'({_text(v)})' for v in values)})"
        case ast.UnaryOp(ast.USub() | ast.Not(), operand):
            yield f"({_text(operand)})"
        case _:
            return


def _is_string(node: ast.AST) -> bool:
    constant = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return constant or isinstance(node, ast.JoinedStr)


def _other_constant(value: object) -> Iterator[str]:
    if isinstance(value, bool):
        yield str(not value)
    elif isinstance(value, int):
        yield str(value + 1)
        if value == 1:
            yield "0"
    elif isinstance(value, float):
        yield "0.1" if abs(value) < TINY else repr(value * 2)


def _of_call(node: ast.Call) -> Iterator[tuple[ast.AST, str]]:
    if isinstance(node.func, ast.Attribute) and node.func.attr in FUNCTIONS:
        other = f"{_text(node.func.value)}.{FUNCTIONS[node.func.attr]}"
        yield node.func, other
    for keyword in node.keywords:
        if keyword.arg is None:
            continue
        rest = [k for k in node.keywords if k is not keyword]
        fewer = ast.Call(func=node.func, args=node.args, keywords=rest)
        yield node, _text(fewer)


def _text(node: ast.AST) -> str:
    return ast.unparse(node)


def _change(
    file: str, text: str, function: str, node: ast.AST, new: str
) -> Change | None:
    """Put `new` in the place of `node`; None where that does not parse."""
    lines = text.encode().splitlines(keepends=True)
    first, last = node.lineno - 1, node.end_lineno - 1  # type: ignore[attr-defined]
    head = lines[first][: node.col_offset]  # type: ignore[attr-defined]
    tail = lines[last][node.end_col_offset :]  # type: ignore[attr-defined]
    changed = head + new.encode() + tail
    whole = b"".join([*lines[:first], changed, *lines[last + 1 :]]).decode()
    try:
        ast.parse(whole)
    except SyntaxError:
        return None
    old = " ".join(b"".join(lines[first : last + 1]).decode().split())
    return Change(
        file, function, first + 1, old, " ".join(changed.decode().split()), whole
    )
