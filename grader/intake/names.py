"""Rules for names; everything written by a stranger passes here first."""

from __future__ import annotations

import re
import unicodedata

from grader.intake.entries import ArchiveError
from grader.intake.limits import NAME_BYTES, PATH_BYTES

SHOWN = 80
REPACK = "Make the archive again, or send the bundle that `make submit` writes."
# Cc control, Cf format (right-to-left marks, zero width), Cs lone surrogate,
# Co private, Cn unassigned, Zl and Zp line separators.
BAD_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def split_name(raw: str) -> tuple[str, ...]:
    """Split the name of an archive's entry into composed parts.

    Raises:
        ArchiveError: the name is absolute or leads out of the archive, which no
            honest tool writes; refused wherever in the archive it stands.
    """
    if raw.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", raw):
        msg = f"the archive holds an absolute path: {shown(raw)}"
        raise ArchiveError(msg, REPACK)
    if ".." in re.split(r"[/\\]", raw):
        msg = f"the archive holds a path that leads out of it: {shown(raw)}"
        raise ArchiveError(msg, REPACK)
    return tuple(composed(part) for part in raw.split("/") if part not in ("", "."))


def composed(part: str) -> str:
    """Return the form most systems use: macOS hands out decomposed names."""
    return unicodedata.normalize("NFC", part)


def check_path(parts: tuple[str, ...]) -> None:
    """Refuse a path of the package that could mislead a reader or a file system.

    Raises:
        ArchiveError: with the reason.
    """
    path = "/".join(parts)
    if any(unicodedata.category(char) in BAD_CATEGORIES for char in path):
        problem = "has control, invisible or broken characters in its name"
    elif "\\" in path:
        problem = "has a backslash in its name"
    elif any(len(part.encode()) > NAME_BYTES for part in parts):
        problem = f"has a name longer than {NAME_BYTES} bytes"
    elif len(path.encode()) > PATH_BYTES:
        problem = f"has a path longer than {PATH_BYTES} bytes"
    else:
        return
    msg = f"{shown(path)} {problem}"
    raise ArchiveError(msg, "Rename it to plain letters, digits and underscores.")


def shown(name: str) -> str:
    """Return a stranger's name, harmless on any surface and short."""
    text = ascii(name)[1:-1]
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
