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
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
REFERENCE: Final = HERE.parent / "tinytorch"
USAGE: Final = "usage: python reference/mutants/apply.py (NAME OUT_DIR | --list)\n"


@dataclass(frozen=True)
class Edit:
    """One mistake, as an exact replacement in one file of the reference.

    Attributes:
        name: what the mutant is called.
        file: relative to tinytorch/, such as "tensor.py".
        old, new: the text that occurs exactly once, and what stands there instead.
        why: why somebody writes this.
        catches: ids of the checks that must fail.
        mistake: what a student must be told that this is, or "".
    """

    name: str
    file: str
    old: str
    new: str
    why: str
    catches: tuple[str, ...]
    mistake: str = ""


def load(folder: Path = HERE) -> dict[str, tuple[Edit, ...]]:
    """Return all wrong packages: name -> edits."""
    packages: dict[str, tuple[Edit, ...]] = {}
    for path in sorted(folder.glob("*.toml")):
        rows = tomllib.loads(path.read_text(encoding="utf-8"))["edits"]
        edits = tuple(Edit(**row | {"catches": tuple(row["catches"])}) for row in rows)
        alone = path.stem[0].isdigit()  # a module: each edit is a package
        found = {e.name: (e,) for e in edits} if alone else {path.stem: edits}
        if packages.keys() & found.keys():
            msg = f"{path.name}: taken names: {sorted(packages.keys() & found.keys())}"
            raise ValueError(msg)
        packages |= found
    return packages


def changed(text: str, edit: Edit) -> str:
    """Return `text` with the edit made.

    Raises:
        ValueError: the old text does not occur exactly once, or the new one is equal.
    """
    count = text.count(edit.old)
    if count != 1 or edit.old == edit.new:
        found = f"occurs {count} times, not once" if count != 1 else "is the new text"
        msg = f"{edit.name}: the old text {found} in {edit.file}:\n{edit.old}"
        raise ValueError(msg)
    return text.replace(edit.old, edit.new)


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
    packages = load()
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
