"""A report of the service as it came: read with care, since anything may be missing."""

from __future__ import annotations

from typing import Any

from tito.ci_text import line

LABELS = ("expected", "got", "misconception", "where", "hint", "limit", "how", "detail")


def told(outcome: dict[str, Any]) -> str:
    """Return an outcome of the report in lines."""
    head = next((outcome[k] for k in ("call", "message", "kind") if outcome.get(k)), "")
    if outcome.get("kind") == "raised":
        error = f"{outcome.get('error', '')}: {outcome.get('message', '')}"
        outcome = {"got": error, **outcome}
    named = [(key, outcome.get(key)) for key in LABELS]
    lines = [f"  {key:<13} {line(str(text), 400)}" for key, text in named if text]
    return "\n".join([line(str(head), 400), *lines])


def kind_of(row: dict[str, Any]) -> str:
    """Return the kind of an outcome: "passed", "mismatch"..."""
    return str(object_of(row.get("outcome")).get("kind", ""))


def label_of(row: dict[str, Any]) -> str:
    """Return number and title of a module or milestone."""
    return f"{row.get('number', '')} {row.get('title', '')}"


def rows_of(facts: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Return the objects of a list; nothing where there is no list."""
    found = facts.get(key)
    rows = found if isinstance(found, list) else []
    return [row for row in rows if isinstance(row, dict)]


def object_of(value: Any) -> dict[str, Any]:
    """Return a value that is an object, otherwise an empty one."""
    return value if isinstance(value, dict) else {}


def number_of(facts: dict[str, Any], key: str) -> str:
    """Return a number as people read it; "?" where there is none."""
    value = facts.get(key)
    return f"{value:g}" if isinstance(value, int | float) else "?"
