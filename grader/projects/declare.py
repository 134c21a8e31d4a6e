"""Read `capstone.toml`; what is wrong with it is data, one sentence each."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from grader.intake.limits import FILE_BYTES
from grader.models.base import Model
from grader.models.capstone import Budget, Capstone, Data, Metric, Script
from grader.models.course import ProjectLimits

TABLES: Final[dict[str, type[BaseModel]]] = {
    "": Capstone,
    "script": Script,
    "data": Data,
    "metric": Metric,
    "budget": Budget,
}
# What a pattern or a choice asks for, in words.
WANTED: Final = {
    "script.file": 'a Python file directly in entry/, as in "entry/project.py"',
    "script.build": "the name of a function",
    "data.file": "a .npz, .csv or .txt file directly in entry/",
    "data.sha256": "64 hexadecimal digits: sha256sum entry/FILE",
    "data.set": "a data set of the course: clouds, xor, digits, mnist, cifar10, "
    "sonnets or shakespeare",
    "metric.better": '"higher" or "lower"',
}
_SAID: Final = 8  # problems at a time
_LINE: Final = re.compile(r"at line (\d+)")


class Problem(Model):
    """One thing to change in `capstone.toml`."""

    message: str
    line: int | None = None

    def __str__(self) -> str:
        where = f":{self.line}" if self.line else ""
        return f"capstone.toml{where}: {self.message}"


def declare(data: bytes, limits: ProjectLimits) -> Capstone | tuple[Problem, ...]:
    """Return what a project declares, or everything that is wrong with it."""
    try:
        text = data.decode("utf-8")
        values = tomllib.loads(text)
    except UnicodeDecodeError:
        return (Problem(message="it is not UTF-8; save it as UTF-8."),)
    except tomllib.TOMLDecodeError as exc:
        return (_not_toml(exc),)
    except RecursionError:
        return (Problem(message="it is nested too deeply to be read."),)
    try:
        found = Capstone.model_validate(values)
    except ValidationError as exc:
        errors = exc.errors(include_url=False, include_context=False)[:_SAID]
        return tuple(_problem(error, text) for error in errors)
    return _beyond(found, limits, text) or found


def declared_files(data: bytes, limits: ProjectLimits) -> dict[str, int]:
    """Return the files that a project needs, each with the most bytes it may have.

    Nothing where it is not declared rightly; see `declare`.
    """
    found = declare(data, limits)
    if not isinstance(found, Capstone):
        return {}
    files = {found.script.file: FILE_BYTES}
    if found.data.file is not None:
        files[found.data.file] = limits.data_bytes
    return files


def _not_toml(exc: tomllib.TOMLDecodeError) -> Problem:
    at = _LINE.search(str(exc))
    reason = str(exc).split(" (at", maxsplit=1)[0]
    return Problem(
        message=f"it is not TOML: {_clean(reason[0].lower() + reason[1:])}.",
        line=int(at[1]) if at else None,
    )


def _beyond(
    found: Capstone, limits: ProjectLimits, text: str
) -> tuple[Problem, ...] | None:
    """Return what is more than the course allows."""
    mib = 2**20
    budget, size = found.budget, found.data.size_bytes or 0
    beyond = []
    for key, is_, most, shown in (
        ("budget.cpu_s", budget.cpu_s, limits.cpu_s, f"{limits.cpu_s:g} s"),
        (
            "budget.memory_bytes",
            budget.memory_bytes,
            limits.memory_bytes,
            f"{limits.memory_bytes} ({limits.memory_bytes / mib:g} MiB)",
        ),
        ("data.size_bytes", size, limits.data_bytes, f"{limits.data_bytes} bytes"),
    ):
        if is_ > most:
            said = f"`{key}` is more than the course allows: at most {shown}."
            beyond.append(Problem(message=said, line=line_of(text, key)))
    return tuple(beyond) or None


def _problem(error: Any, text: str) -> Problem:
    key = ".".join(_clean(str(part)) for part in error["loc"])
    return Problem(message=_sentence(key, error), line=line_of(text, key))


def _sentence(key: str, error: Mapping[str, Any]) -> str:
    """Return one sentence for an error of the grammar."""
    kind, said = str(error["type"]), str(error["msg"])
    name = f"`{key}`"
    match kind:
        case "missing":
            return f"{name} is missing."
        case "extra_forbidden":
            return _unknown(key)
        case "string_too_long" | "string_too_short":
            return f"{name} is too long: {said.removeprefix('String ')}."
        case "value_error":
            reason = said.removeprefix("Value error, ")
            verb = "" if reason.startswith("must") else ":"
            return f"{name}{verb} {reason}." if key else f"{reason}."
        case "model_type" | "model_attributes_type":
            return f"{name} must be a table: [{key}]."
        case "string_pattern_mismatch" | "literal_error":
            return f"{name} must be {WANTED.get(key, said)}."
        case _:
            return f"{name}: {said[0].lower()}{said[1:]}."


def _unknown(key: str) -> str:
    table, _, name = key.rpartition(".")
    kind = TABLES.get(table)
    near = difflib.get_close_matches(name, kind.model_fields if kind else (), 1)
    hint = f"; did you mean `{near[0]}`?" if near else "."
    return f"`{key}` is not known{hint}"


def line_of(text: str, key: str) -> int | None:
    """Return the line where a key, or else its table, stands."""
    table, _, name = key.rpartition(".")
    now, of_table = "", None
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[\s*([\w.]+)\s*\]", line)
        if header:
            now = header[1]
            of_table = number if now in (table, key) else of_table
        elif now == table and re.match(rf"\s*{re.escape(name)}\s*=", line):
            return number
    return of_table


def _clean(text: str) -> str:
    """Return a stranger's text, harmless in a sentence and short."""
    return "".join(c if c.isprintable() else "?" for c in text)[:80]
