"""Classes to compare: disguised copies, and students who wrote for themselves.

Run:    python tests/unit/similarity/classes.py FOLDER [STUDENTS]

writes a class whose first student and every fiftieth after it hand in the reference,
disguised; all others filled the template's files with code of their own.
"""

from __future__ import annotations

import ast
import io
import random
import sys
import tokenize
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[3]
REFERENCE: Final = ROOT / "reference" / "tinytorch"
TEMPLATE: Final = ROOT / "student_template" / "tinytorch"
PUBLIC: Final = ROOT / "tests" / "e2e" / "public_layout" / "tinytorch"
OPERATORS: Final = ("+", "-", "*", "/", "@", "**", "//", "%")


def chance(seed: int) -> random.Random:
    """Return a source of chance that repeats itself."""
    return random.Random(seed)  # noqa: S311 -- no secret


def texts(folder: Path) -> dict[str, str]:
    """Return the sources of a package by their path in it."""
    paths = sorted(folder.rglob("*.py"))
    return {p.relative_to(folder).as_posix(): p.read_text("utf8") for p in paths}


def write(package: Path, sources: dict[str, str]) -> None:
    """Write a package."""
    for name, text in sources.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf8")


def disguised(text: str, rng: random.Random) -> str:
    """Return `text` as a copier hands it in: moved, renamed, other comments."""
    return _renamed(_moved(text, rng))


def _moved(text: str, rng: random.Random) -> str:
    """Shuffle the methods of every class."""
    for number in range(len(_classes(text))):
        lines = text.splitlines(keepends=True)
        spans = [_span(n) for n in _classes(text)[number].body if _is_function(n)]
        pieces = ["".join(lines[a:b]) for a, b in spans]
        rng.shuffle(pieces)
        for (a, b), piece in reversed(list(zip(spans, pieces, strict=True))):
            lines[a:b] = [piece]
        text = "".join(lines)
    return text


def _classes(text: str) -> list[ast.ClassDef]:
    return [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]


def _is_function(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef)


def _span(node: ast.stmt) -> tuple[int, int]:
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(d.lineno for d in decorators)])
    return first - 1, node.end_lineno or first


def _renamed(text: str) -> str:
    """Give every local variable another name, and change comments and docstrings."""
    new: dict[str, str] = {}
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    new.setdefault(node.id, f"mine_{len(new)}")
    lines, before = text.splitlines(keepends=True), ""
    changes = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME and before != "." and token.string in new:
            changes.append((token.start, token.end, new[token.string]))
        elif token.type == tokenize.COMMENT:
            changes.append((token.start, token.end, "# I wrote this"))
        before = token.string
    for (row, start), (_, end), word in reversed(changes):
        line = lines[row - 1]
        lines[row - 1] = line[:start] + word + line[end:]
    return "".join(lines).replace('"""Return', '"""Give back')


def own_code(rng: random.Random, functions: int) -> str:
    """Return code that nobody else has written."""
    return "\n\n".join(_function(rng) for _ in range(functions))


def _function(rng: random.Random) -> str:
    arguments = ", ".join(rng.sample("abcdefgh", rng.randint(1, 4)))
    body = [_statement(rng, 1) for _ in range(rng.randint(4, 12))]
    head = f"def f{rng.randrange(10**6)}({arguments}):"
    return "\n".join([head, '    """Do it."""', *body, "    return out"])


def _statement(rng: random.Random, depth: int) -> str:
    kind = rng.randrange(6) if depth < 3 else rng.randrange(2)
    blanks = "    " * depth
    if kind < 3:
        return f"{blanks}{_term(rng, 0)} = {_term(rng, 2)}"
    head = (f"for {rng.choice('ijk')} in", "if", "while")[kind - 3]
    inner = [_statement(rng, depth + 1) for _ in range(rng.randint(1, 3))]
    return "\n".join([f"{blanks}{head} {_term(rng, 1)}:", *inner])


def _term(rng: random.Random, depth: int) -> str:
    if not depth:
        return rng.choice(("x", "self.y", "out", "z[i]", "grad.data", "w[:, 0]"))
    if rng.random() < 0.4:
        inner = ", ".join(_term(rng, depth - 1) for _ in range(rng.randint(1, 3)))
        return f"np.{rng.choice(('sum', 'dot', 'exp'))}({inner})"
    left, right = _term(rng, depth - 1), _term(rng, depth - 1)
    return f"{left} {rng.choice(OPERATORS)} ({right})"


def _class(folder: Path, students: int) -> None:
    reference, template = texts(REFERENCE), texts(TEMPLATE)
    for number in range(students):
        rng = chance(number)
        if number % 50 == 0:
            sources = {n: disguised(t, rng) for n, t in reference.items()}
        else:
            sources = {n: f"{t}\n{own_code(rng, 2)}\n" for n, t in template.items()}
        write(folder / f"student-{number:03d}" / "tinytorch", sources)


if __name__ == "__main__":
    _class(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 500)
