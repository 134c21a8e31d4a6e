"""`tito hint 2.3`: the usual cause of trouble; with `--more` the direction to go."""

from __future__ import annotations

import textwrap
import tomllib
from pathlib import Path

from tito.errors import TitoError, UnknownNameError

FILE = "hints.toml"
WIDTH = 78


def hint(project: Path, task: str, *, more: bool) -> str:
    """Return the text to print for a task.

    Raises:
        TitoError: there are no hints, or none for this task.
    """
    try:
        hints = tomllib.loads((project / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise TitoError(
            f"{FILE} cannot be read", f"Take it back: git checkout -- {FILE}"
        ) from None
    entry = hints.get(task)
    if not isinstance(entry, dict) or not {"target", "cause", "direction"} <= set(
        entry
    ):
        raise UnknownNameError(
            f"there is no hint for task {task!r}",
            "Tasks have two numbers, as in 2.3; `tito module info 02` lists them.",
        )
    parts = [f"{task}  {entry['target']}", textwrap.fill(str(entry["cause"]), WIDTH)]
    if more:
        parts.append(textwrap.fill(str(entry["direction"]), WIDTH))
    else:
        parts.append(f"Still stuck?  tito hint {task} --more")
    return "\n\n".join(parts)
