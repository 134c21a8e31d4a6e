"""Make a wrong package: the reference with named edits.

    python reference/mutants/apply.py typical_mistakes OUT_DIR
    python reference/mutants/apply.py MUTANT OUT_DIR
    python reference/mutants/apply.py --list

OUT_DIR/tinytorch must not exist yet. Each edit of a module's file (`02_tensor.toml`) is
a package of its own; other files (`typical_mistakes.toml`) are one package each, with
several mistakes of one student. An edit replaces text that must occur exactly once, so
that an edit which the reference has outgrown is seen. Every check in `catches` must
fail; the first of them must tell the student `mistake`, where one is given.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from grader.errors import GraderError
from grader.validation.named import Edit, changed, load_edits

HERE: Final = Path(__file__).resolve().parent
REFERENCE: Final = HERE.parent / "tinytorch"
USAGE: Final = "usage: python reference/mutants/apply.py (NAME OUT_DIR | --list)\n"


def load(folder: Path = HERE) -> dict[str, tuple[Edit, ...]]:
    """Return all wrong packages: name -> edits."""
    return load_edits(folder)


def write(edits: Iterable[Edit], out: Path, source: Path = REFERENCE) -> None:
    """Write out/tinytorch: `source` with all edits made.

    Raises:
        ValueError: an edit does not fit; nothing is written then.
        FileExistsError: there is an out/tinytorch.
    """
    texts: dict[str, str] = {}
    for edit in edits:
        before = texts.get(edit.file) or (source / edit.file).read_text("utf-8")
        texts[edit.file] = changed(before, edit)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(source, out / "tinytorch", ignore=ignored)
    for file, text in texts.items():
        (out / "tinytorch" / file).write_text(text, encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Run the command line; return its exit code."""
    try:
        packages = load()
    except GraderError as error:
        sys.stderr.write(f"apply: {error}\n")
        return 1
    match arguments:
        case ["--list"]:
            for name, edits in packages.items():
                sys.stdout.write(f"{name:34}{'; '.join(e.why for e in edits)}\n")
            return 0
        case [name, out] if name in packages:
            try:
                write(packages[name], Path(out))
            except (ValueError, FileExistsError) as error:
                sys.stderr.write(f"apply: {error}\n")
                return 1
            return 0
        case [name, _]:
            sys.stderr.write(f"apply: no mutant {name!r}; --list shows all\n")
            return 2
        case _:
            sys.stderr.write(USAGE)
            return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
