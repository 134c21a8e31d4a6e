"""The page about the board's data, generated from the models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from grader.models.base import Model
from grader.publish.competition_models import Competition, Records, SampleSet
from grader.publish.models import Leaderboard

INTRODUCTION: Final = """\
# Data of the board

Everything that the pages show lies beside them for programs.
Generated from the code; `*.schema.json` beside each file says the same as JSON Schema.

| file | what |
|---|---|
| `data/v1/leaderboard.json`, `.csv` | points of every public entry, by round |
| `data/v1/competition.json`, `.csv` | TinyMLPerf: boards and records |
| `data/v1/records.json`, `.csv` | the records alone |
| `data/v1/samples/<slug>.json` | raw samples behind an entry's page |
| `feed.atom` | the newest results, entries and records |
| `badges/<slug>.svg` | points or score of one entry, never a rank |
| `SHA256SUMS` | of every file, for `sha256sum --check` |

No file holds an id, a mark, or anything of somebody who is hidden.
What is withdrawn is gone from all of them with the next build; a row keeps its place \
as a stone without values where its owner is still shown.

`schema_version` changes when a field is removed, renamed, or comes to mean something \
else; then the folder is `v2`, and `v1` stays for a term.
A field may be added without that, so readers skip what they do not know.
`formula` changes when a score or rank of the same data would.
Numbers are finite; what is missing is `null` in JSON and an empty cell in CSV.
Times are UTC, durations in seconds, memory in bytes.
Ids in the feed are name-based UUIDs of what an item is about: they outlive a rebuild.
"""
FILES: Final[dict[str, type[Model]]] = {
    "leaderboard.json": Leaderboard,
    "competition.json": Competition,
    "records.json": Records,
    "samples/<slug>.json": SampleSet,
}
_NAMED: Final = re.compile(r"([a-z_, ]+): (.*)")


def board_data() -> str:
    """Return the page as Markdown."""
    parts, told = [INTRODUCTION], set[str]()
    for file, kind in FILES.items():
        schema = kind.model_json_schema(mode="serialization")
        parts.append(f"## `{file}`\n\n{_fields(schema)}")
        for name, part in sorted(schema.get("$defs", {}).items()):
            if name not in told and "properties" in part:
                parts.append(f"### {name}\n\n{_fields(part)}")
                told.add(name)
    return "\n".join(parts)


def _fields(schema: dict[str, Any]) -> str:
    """Return what a model says of itself and a table of its fields."""
    text = schema.get("description", "")
    summary, _, more = text.partition("Attributes:\n")
    meaning = dict(_meanings(more))
    rows = [
        f"| `{name}` | {_type(field)} | {meaning.get(name, '')} |"
        for name, field in schema["properties"].items()
    ]
    head = ["| field | type | meaning |", "|---|---|---|"]
    return "\n".join([" ".join(summary.split()), "", *head, *rows, ""])


def _meanings(text: str) -> Iterator[tuple[str, str]]:
    """Yield name and meaning of each line of a docstring's attributes."""
    for entry in re.split(r"\n {4}(?=\S)", f"\n{text}"):
        found = _NAMED.fullmatch(" ".join(entry.split()))
        for name in found[1].split(", ") if found else ():
            yield name, found[2] if found else ""


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"].rpartition("/")[2])
    if "anyOf" in field:
        return " or ".join(map(_type, field["anyOf"]))
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    form = field.get("format")
    return str(form or field.get("type", "any"))
