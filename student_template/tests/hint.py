"""Print a hint for one task: `python tests/hint.py 2.3`, then `... 2.3 more`.

The first hint names the usual cause of trouble, the second the direction to go.
`make hint-2.3 MORE=1` asks for the second through the environment.
"""

from __future__ import annotations

import os
import sys
import textwrap
import tomllib
from pathlib import Path

HINTS = Path(__file__).resolve().parents[1] / "hints.toml"
WIDTH = 78
USAGE = "usage: python tests/hint.py TASK [more]     for example: hint.py 2.3"


def hint(task: str, *, more: bool) -> str:
    """Return the text to print for `task`.

    Raises:
        KeyError: there are no hints for `task`.
    """
    entry = tomllib.loads(HINTS.read_text(encoding="utf-8"))[task]
    parts = [f"{task}  {entry['target']}", textwrap.fill(entry["cause"], WIDTH)]
    if more:
        parts.append(textwrap.fill(entry["direction"], WIDTH))
    else:
        parts.append(f"Still stuck?  make hint-{task} MORE=1")
    return "\n\n".join(parts)


def main(arguments: list[str]) -> int:
    if not arguments or len(arguments) > 2 or arguments[1:] not in ([], ["more"]):
        print(USAGE, file=sys.stderr)
        return 2
    more = arguments[1:] == ["more"] or os.environ.get("MORE", "") not in ("", "0")
    try:
        print(hint(arguments[0], more=more))
    except KeyError:
        print(f"there is no hint for task {arguments[0]}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
