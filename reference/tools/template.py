"""Generate the student's tinytorch from the reference.

    python reference/tools/template.py            write student_template/tinytorch/
    python reference/tools/template.py --check    exit 1 if it is not what this writes

Each task of `course.toml` names a function of the reference. In the template its body
is a TODO; its signature and docstring, and all that no task names, stay as they are. A
later task on the same function (its gradient, in module 06) adds a line to the TODO.
What only the removed bodies used goes too: private helpers without "Given:" in their
docstring, and imports of files that the template does not have.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
GIVEN: Final = ("__init__.py", "base.py")  # files without tasks, copied as they are
IMPORT_NOTE: Final = "# ruff: noqa: F401 -- the imports are for what you will write\n"
USAGE: Final = "usage: python reference/tools/template.py [--check]\n"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Task:
    """One row of `tasks` in `course.toml`."""

    number: str
    target: str
    lines: int

    def comment(self, *, first: bool) -> str:
        """Return the comment that stands in the stub."""
        many = f"{self.lines} line{'s' if self.lines > 1 else ''}"
        return f"# TODO({self.number}): about {many}{'.' if first else ' more.'}"


def generate(root: Path = ROOT) -> dict[str, str]:
    """Return the template's files: name -> text.

    Raises:
        ValueError: a task names no function of the reference, or one without docstring.
    """
    source = root / "reference" / "tinytorch"
    course = tomllib.loads((root / "course.toml").read_text(encoding="utf-8"))
    modules = [m for m in course["modules"] if m.get("tasks")]
    names = [*GIVEN, *(file for m in modules for file in _files(m))]
    texts = {name: (source / name).read_text(encoding="utf-8") for name in names}
    stubs = _assign(modules, {name: _functions(text) for name, text in texts.items()})
    return {
        name: _tidy(_stub(text, stubs.get(name, {})), set(names), stubbed=name in stubs)
        for name, text in texts.items()
    }


def _files(module: dict[str, Any]) -> list[str]:
    """Return the module's file, and others that its symbols are imported from."""
    paths = [symbol["paths"][0].split(".")[1] for symbol in module["symbols"]]
    return list(dict.fromkeys([module["file"], *(f"{path}.py" for path in paths)]))


def _assign(
    modules: list[dict[str, Any]], found: dict[str, dict[str, Function]]
) -> dict[str, dict[str, list[Task]]]:
    """Give every task the file that defines its target: its own module's first."""
    stubs: dict[str, dict[str, list[Task]]] = {}
    for module in modules:
        for row in module["tasks"]:
            task = Task(**row)
            own = _files(module)
            files = [*own, *(f for f in found if f not in own)]
            file = next((f for f in files if task.target in found[f]), None)
            if file is None:
                msg = f"task {task.number}: the reference has no {task.target}"
                raise ValueError(msg)
            stubs.setdefault(file, {}).setdefault(task.target, []).append(task)
    return stubs


def _functions(text: str) -> dict[str, Function]:
    """Return functions and methods by dotted name."""
    found: dict[str, Function] = {}
    for node in ast.parse(text).body:
        if isinstance(node, Function):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            for child in node.body:
                if isinstance(child, Function):
                    found[f"{node.name}.{child.name}"] = child
    return found


def _stub(text: str, stubs: dict[str, list[Task]]) -> str:
    """Replace the body of each function in `stubs`, last one first."""
    lines = text.splitlines(keepends=True)
    functions = {name: f for name, f in _functions(text).items() if name in stubs}
    for name, node in sorted(functions.items(), key=lambda f: -f[1].lineno):
        if ast.get_docstring(node) is None:
            msg = f"{name} has no docstring to be a specification"
            raise ValueError(msg)
        first, *later = stubs[name]
        indent = " " * node.body[0].col_offset
        body = [
            first.comment(first=True),
            *(task.comment(first=False) for task in later),
            f'raise NotImplementedError("TODO {first.number}: {name}")',
        ]
        start, end = node.body[0].end_lineno, node.end_lineno
        lines[start:end] = [f"{indent}{line}\n" for line in body]
    return "".join(lines)


def _tidy(text: str, files: set[str], *, stubbed: bool) -> str:
    """Drop what only the removed bodies used, until nothing more is unused."""
    while True:
        tree = ast.parse(text)
        used = _used_names(tree)
        doomed = [n for n in tree.body if _is_foreign(n, files) or _is_idle(n, used)]
        if not doomed:
            return _with_import_note(text, tree, used) if stubbed else text
        lines = text.splitlines(keepends=True)
        for node in reversed(doomed):
            start = node.lineno - 1
            while isinstance(node, Function) and not lines[start - 1].strip():
                start -= 1
            del lines[start : node.end_lineno]
        text = "".join(lines)


def _used_names(tree: ast.Module) -> set[str]:
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}


def _is_foreign(node: ast.stmt, files: set[str]) -> bool:
    """Return whether `node` imports a file that the template does not have."""
    if not isinstance(node, ast.ImportFrom) or node.module is None:
        return False
    package, _, file = node.module.partition(".")
    return package == "tinytorch" and file != "" and f"{file}.py" not in files


def _is_idle(node: ast.stmt, used: set[str]) -> bool:
    """Return whether `node` is a private helper that nothing uses any more."""
    return (
        isinstance(node, Function)
        and node.name.startswith("_")
        and not node.name.startswith("__")
        and node.name not in used
        and not (ast.get_docstring(node) or "").startswith("Given:")
    )


def _with_import_note(text: str, tree: ast.Module, used: set[str]) -> str:
    """Say why there are unused imports; replace the reference's note to the linter."""
    imports = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    names = {a.asname or a.name for n in imports[1:] for a in n.names}
    lines = text.splitlines(keepends=True)
    lines = [line for line in lines if not line.startswith("# ruff: noqa")]
    if names - used:
        lines.insert(tree.body[0].end_lineno or 1, IMPORT_NOTE)
    return "".join(lines)


def drift(files: dict[str, str], folder: Path) -> list[str]:
    """Return the names of files in `folder` that differ, are missing or too many."""
    present = {p.name: p.read_text(encoding="utf-8") for p in folder.glob("*.py")}
    names = files.keys() | present.keys()
    return sorted(n for n in names if files.get(n) != present.get(n))


def write(files: dict[str, str], folder: Path) -> None:
    """Make `folder` hold exactly `files`."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in {p.name for p in folder.glob("*.py")} - files.keys():
        (folder / stale).unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Run the command line; return its exit code."""
    folder = ROOT / "student_template" / "tinytorch"
    if arguments not in ([], ["--check"]):
        sys.stderr.write(USAGE)
        return 2
    files = generate()
    if not arguments:
        write(files, folder)
        return 0
    changed = drift(files, folder)
    for name in changed:
        sys.stdout.write(f"student_template/tinytorch/{name} is not as generated\n")
    if changed:
        sys.stdout.write("run: python reference/tools/template.py\n")
    return 1 if changed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
