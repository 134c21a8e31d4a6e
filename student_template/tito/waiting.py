"""What could not be handed in yet: `.tinytorch/queue/`, one folder for each.

A bundle is put there before it is sent and leaves it when it is acknowledged, so that
neither a lost connection nor Ctrl-C nor an empty battery loses it.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tito import notes
from tito.bundle import SUFFIX
from tito.errors import TitoError
from tito.parcel import Parcel, stamp

FOLDER, REFUSED = "queue", "refused"
ABOUT = "about.json"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Kept:
    """A parcel that waits, and the folder that holds it."""

    folder: Path
    parcel: Parcel


def keep(project: Path, parcel: Parcel) -> Kept:
    """Put a parcel behind those that wait; one that waits already is not put twice.

    Raises:
        TitoError: it cannot be written.
    """
    waiting, _damaged = everything(project)
    for old in waiting:
        if _same(old.parcel, parcel):
            return old
    number = max((_number(old.folder) for old in waiting), default=0) + 1
    short = parcel.digest.removeprefix("sha256:")[:8]
    name = f"{number:06d}-{stamp(parcel.made_at)}-{short}"
    try:
        home = notes.folder(project, FOLDER)
        part = home / f".part-{secrets.token_hex(4)}"
        _fill(part, parcel)
        part.rename(home / name)
    except OSError as error:
        raise TitoError(
            f"the bundle cannot be kept in {notes.FOLDER}/{FOLDER}: {error.strerror}",
            "Nothing was handed in. Check the free space and who may write there.",
        ) from None
    return Kept(home / name, parcel)


def _fill(part: Path, parcel: Parcel) -> None:
    about = asdict(parcel) | {
        "schema_version": SCHEMA_VERSION,
        "data": hashlib.sha256(parcel.data).hexdigest(),
    }
    try:
        part.mkdir(mode=0o700)
        notes.write(part / f"{parcel.student}{SUFFIX}", parcel.data)
        notes.write(part / ABOUT, notes.to_json(about))
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def everything(project: Path) -> tuple[list[Kept], list[Path]]:
    """Return what waits, oldest first, and the folders that cannot be read."""
    home = project / notes.FOLDER / FOLDER
    found, damaged = [], []
    for place in sorted(home.glob("[0-9]*")):
        parcel = _read(place)
        if parcel is not None:
            found.append(Kept(place, parcel))
        elif place.exists():  # else another `tito submit` has just sent it
            damaged.append(place)
    return found, damaged


def _read(place: Path) -> Parcel | None:
    facts: dict[str, Any] = notes.read_json(place / ABOUT) or {}
    wanted, version = facts.pop("data", ""), facts.pop("schema_version", 0)
    try:
        data = (place / f"{facts['student']}{SUFFIX}").read_bytes()
        stamp(facts["made_at"])
        if version != SCHEMA_VERSION or hashlib.sha256(data).hexdigest() != wanted:
            return None
        return Parcel(data=data, **{key: str(value) for key, value in facts.items()})
    except (OSError, KeyError, TypeError, ValueError):
        return None


def drop(kept: Kept) -> None:
    """Take away what was acknowledged."""
    part = kept.folder.with_name(f".part-{secrets.token_hex(4)}")
    try:
        kept.folder.rename(part)
    except FileNotFoundError:  # another `tito submit` was faster
        return
    shutil.rmtree(part, ignore_errors=True)


def set_aside(project: Path, kept: Kept) -> Path:
    """Move what will never be taken out of the way; return where it is."""
    place = notes.folder(project, REFUSED) / kept.folder.name
    if place.exists():
        place = place.with_name(f"{place.name}-{secrets.token_hex(4)}")
    kept.folder.rename(place)
    return place


def _same(one: Parcel, two: Parcel) -> bool:
    keys = ("to", "student", "round_", "digest", "commit", "data")
    return all(getattr(one, key) == getattr(two, key) for key in keys)


def _number(place: Path) -> int:
    head = place.name.partition("-")[0]
    return int(head) if head.isdecimal() and head.isascii() else 0
