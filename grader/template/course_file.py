"""What the students' command knows of the course: a small file made of `course.toml`.

It names the released modules and milestones in full and later ones by number and title,
so that a timeline can show what comes. Points, import paths and calibration stay here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from grader.errors import ConfigError
from grader.models.course import Course, Milestone, MilestoneProfile, Module

COURSE_FILE: Final = "tito/course.json"
SCHEMA_VERSION: Final = 1
# The Makefile of the template looks for the same line.
_SCRIPT: Final = re.compile(r"^if __name__ == .__main__.:$", re.MULTILINE)


def course_file(
    course: Course,
    modules: Sequence[Module],
    files: Mapping[str, bytes],
    due: Mapping[str, date],
    submit: Mapping[str, str],
) -> bytes:
    """Return the text of `tito/course.json`.

    Args:
        modules: those that are released.
        files: all files of the release, by path; they tell which milestones are there.
        due: days to show, by name of module or milestone.
        submit: where to hand in; empty: nothing is said.
    """
    facts: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "name": course.name,
        "title": course.title,
        "package": course.package,
        "upto": modules[-1].number,
        "modules": [
            _module(m, released=m in modules) | _due(due, m.name)
            for m in course.modules
        ],
        "milestones": [
            _milestone(m, files) | _due(due, m.name) for m in course.milestones
        ],
    }
    if submit:
        facts["submit"] = dict(submit)
    if course.board_url:
        facts["board"] = course.board_url
    return json.dumps(facts, indent=1).encode() + b"\n"


def due_dates(words: Iterable[str], course: Course) -> dict[str, date]:
    """Return the days in "tensor=2026-10-05", ..., by name.

    Raises:
        ConfigError: there is no module or milestone of that name, or no such day.
    """
    known = {m.name for m in course.modules} | {m.name for m in course.milestones}
    found = {}
    for word in words:
        name, _, day = word.partition("=")
        if name not in known:
            msg = f"due dates: there is no module or milestone {name!r}"
            raise ConfigError(msg, hint="for example: --due tensor=2026-10-05")
        try:
            found[name] = date.fromisoformat(day)
        except ValueError as exc:
            msg = f"due dates: {day!r} is no day"
            raise ConfigError(msg, hint="for example: --due tensor=2026-10-05") from exc
    return found


def dates_in(data: bytes, course: Course) -> dict[str, date]:
    """Return the due dates that a `tito/course.json` has.

    Raises:
        ConfigError: it is damaged.
    """
    try:
        facts = json.loads(data)
        rows = [*facts["modules"], *facts["milestones"]]
        words = [f"{row['name']}={row['due']}" for row in rows if "due" in row]
    except (ValueError, KeyError, TypeError, RecursionError) as exc:
        msg = f"the repository's record of {COURSE_FILE} is damaged"
        raise ConfigError(msg, hint="name the due dates anew: --due") from exc
    return due_dates(words, course)


def _due(due: Mapping[str, date], name: str) -> dict[str, str]:
    return {"due": due[name].isoformat()} if name in due else {}


def module_files(module: Module) -> list[str]:
    """Return the files of a module: its own, and those of its public names."""
    others = (f"{s.paths[0].split('.')[1]}.py" for s in module.symbols)
    return list(dict.fromkeys([module.file, *others]))


def _module(module: Module, *, released: bool) -> dict[str, Any]:
    named = {"number": module.number, "name": module.name, "title": module.title}
    if not released:
        return named
    return named | {
        "files": module_files(module),
        "needs": list(module.needs),
        "tasks": [t.model_dump() for t in module.tasks],
    }


def _milestone(milestone: Milestone, files: Mapping[str, bytes]) -> dict[str, Any]:
    named = {
        "number": milestone.number,
        "name": milestone.name,
        "year": milestone.year,
        "title": milestone.title,
        "needs": list(milestone.needs),
    }
    folder = f"milestones/{milestone.folder}/"
    texts = {
        path.removeprefix(folder): data.decode()
        for path, data in files.items()
        if path.startswith(folder) and path.endswith(".py")
    }
    if not texts:
        return named
    scripts = [
        _script(name, text, milestone)
        for name, text in sorted(texts.items())
        if _SCRIPT.search(text)
    ]
    quick = milestone.quick and _quick(milestone.quick)
    return named | {"folder": milestone.folder, "scripts": scripts, "quick": quick}


def _script(name: str, text: str, milestone: Milestone) -> dict[str, Any]:
    """Return how a student runs a script on what their repository ships."""
    runs = [milestone.quick, milestone.fast, milestone.full]
    own = [run for run in runs if run is not None and run.script == name]
    quick = milestone.quick is not None and milestone.quick.script == name
    option = f"--{milestone.quick.data}" if milestone.quick else ""
    return {
        "file": name,
        # A script that reads several data sets has an option of the small one's name.
        "options": [option] if quick and option in text else [],
        # Data that a profile asks for, and that has to be fetched first.
        "fetch": own[0].data if own and not quick else "",
    }


def _quick(run: MilestoneProfile) -> dict[str, Any]:
    return {
        "script": run.script,
        "metric": run.metric,
        "target": run.target,
        "lower_is_better": run.lower_is_better,
        "cpu_s": run.cpu_s,
        "wall_s": run.wall_s,
        "memory_mib": run.memory_mib,
    }
