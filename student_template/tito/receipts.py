"""What was handed in and what came of it: `.tinytorch/receipts/`, one file for each."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tito import notes
from tito.parcel import Receipt, now
from tito.service import answer as answer_in

FOLDER = "receipts"
SCHEMA_VERSION = 1


def save(project: Path, receipt: Receipt) -> Path:
    """Write a receipt; when the same was handed in before, its first time stays."""
    old = load(project, receipt.id)
    if old is not None:
        receipt = replace(receipt, made_at=old.made_at, handed_in_at=old.handed_in_at)
    path = notes.folder(project, FOLDER) / file(receipt.id)
    facts = {"schema_version": SCHEMA_VERSION} | asdict(receipt)
    notes.write(path, notes.to_json(facts))
    return path


def answered(project: Path, receipt: Receipt, answer: dict[str, Any]) -> Receipt:
    """Note what the service answered just now."""
    seen = replace(receipt, answer=answer, asked_at=now())
    with suppress(OSError):  # what was answered is told, with or without a place for it
        save(project, seen)
    return seen


def load(project: Path, id_: str) -> Receipt | None:
    """Return the receipt of that id."""
    return _read(project / notes.FOLDER / FOLDER / file(id_))


def latest(project: Path) -> Receipt | None:
    """Return the receipt of what was handed in last."""
    found = [_read(p) for p in (project / notes.FOLDER / FOLDER).glob("*.json")]
    there = [receipt for receipt in found if receipt is not None]
    return max(there, key=lambda r: (r.handed_in_at, r.made_at), default=None)


def _read(path: Path) -> Receipt | None:
    facts = notes.read_json(path)
    if facts is None or facts.pop("schema_version", 0) != SCHEMA_VERSION:
        return None
    try:
        receipt = Receipt(**facts)
    except TypeError:
        return None
    return receipt if _is_good(receipt) else None


def _is_good(receipt: Receipt) -> bool:
    texts = asdict(receipt)
    told, new = texts.pop("answer"), texts.pop("new")
    if not all(isinstance(text, str) for text in texts.values()):
        return False
    try:
        return isinstance(new, bool) and (told == {} or bool(answer_in(told)))
    except ValueError:
        return False


def file(id_: str) -> str:
    """Return the name of a receipt's file."""
    return f"{re.sub(r'[^A-Za-z0-9._@+-]', '_', id_)[:150].lstrip('.')}.json"
