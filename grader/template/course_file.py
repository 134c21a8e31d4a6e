"""What the students' command knows of the course: a small file made of `course.toml`.

It names the released modules and milestones in full and later ones by number and title,
so that a timeline can show what comes. Points, import paths and calibration stay here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from grader.models.course import Course, Milestone, MilestoneProfile, Module

COURSE_FILE: Final = "tito/course.json"
SCHEMA_VERSION: Final = 1
# The Makefile of the template looks for the same line.
_SCRIPT: Final = re.compile(r"^if __name__ == .__main__.:$", re.MULTILINE)


def course_file(
    course: Course, modules: Sequence[Module], files: Mapping[str, bytes]
) -> bytes:
    """Return the text of `tito/course.json`.

    Args:
        modules: those that are released.
        files: all files of the release, by path; they tell which milestones are there.
    """
    facts = {
        "schema_version": SCHEMA_VERSION,
        "name": course.name,
        "title": course.title,
        "package": course.package,
        "upto": modules[-1].number,
        "modules": [_module(m, released=m in modules) for m in course.modules],
        "milestones": [_milestone(m, files) for m in course.milestones],
    }
    return json.dumps(facts, indent=1).encode() + b"\n"


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
