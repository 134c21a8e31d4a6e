"""The mistakes that people make: `reference/mutants/*.toml`.

Each edit of a module's file (`02_tensor.toml`) is a wrong package of its own; a file
without a number is one package with several mistakes. An edit replaces text that must
occur exactly once, so that an edit which the reference has outgrown is seen.
`equivalent/*.toml` list machine-made changes that change nothing that is promised, each
with its reason.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from grader.errors import ConfigError

EQUIVALENT: Final = "equivalent"


@dataclass(frozen=True)
class Edit:
    """One mistake, as an exact replacement in one file of the reference.

    Attributes:
        name: what the mutant is called.
        file: relative to the package, such as "tensor.py".
        old, new: the text that occurs exactly once, and what stands there instead.
        why: why somebody writes this.
        catches: ids of the checks that must fail.
        mistake: what the first of them must tell the student, or "".
    """

    name: str
    file: str
    old: str
    new: str
    why: str
    catches: tuple[str, ...]
    mistake: str = ""


@dataclass(frozen=True)
class Equivalent:
    """A machine-made change that no check can see, and why.

    Attributes:
        function: "Tensor.sum", or "*" for all functions of the file.
        old, new: the changed line before and after, without indentation; "*" for any.
    """

    file: str
    function: str
    old: str
    new: str
    reason: str


def load_edits(folder: Path) -> dict[str, tuple[Edit, ...]]:
    """Return all wrong packages: name -> edits.

    Raises:
        ConfigError: a file is malformed, or a name is taken twice.
    """
    packages: dict[str, tuple[Edit, ...]] = {}
    for path in sorted(folder.glob("*.toml")):
        edits = tuple(_edits(path))
        alone = path.stem[0].isdigit()  # a module: each edit is a package
        found = {e.name: (e,) for e in edits} if alone else {path.stem: edits}
        if packages.keys() & found.keys():
            taken = min(packages.keys() & found.keys())
            msg = f"{path}: there is another mutant called {taken!r}"
            raise ConfigError(msg)
        packages |= found
    return packages


def _edits(path: Path) -> list[Edit]:
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8"))["edits"]
        return [Edit(**row | {"catches": tuple(row["catches"])}) for row in rows]
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as exc:
        msg = f"{path}: {exc}"
        raise ConfigError(msg, hint="reference/mutants/apply.py has the keys") from exc


def load_equivalents(folder: Path) -> tuple[Equivalent, ...]:
    """Return the changes that are known to change nothing.

    Raises:
        ConfigError: the file is malformed.
    """
    found: list[Equivalent] = []
    for path in sorted((folder / EQUIVALENT).glob("*.toml")):
        try:
            rows = tomllib.loads(path.read_text(encoding="utf-8"))["changes"]
            found += [Equivalent(**row) for row in rows]
        except (tomllib.TOMLDecodeError, KeyError, TypeError) as exc:
            msg = f"{path}: {exc}"
            raise ConfigError(msg) from exc
    return tuple(found)


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
