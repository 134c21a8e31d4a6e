"""Notes that GitHub shows at lines of the repository's files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tito.ci_places import Places
from tito.ci_records import Check, Outcomes
from tito.ci_summary import WRONG, Milestones, ended, told
from tito.ci_text import command
from tito.course import Course

MOST = 10  # of a kind that GitHub shows for a step


def annotations(
    found: Outcomes, milestones: Milestones, course: Course, places: Places
) -> Iterator[str]:
    """Yield workflow commands: what is wrong, then what is to be written next."""
    errors = [_error(check, places) for check in _wrong(found)]
    errors += [
        command("error", f"{row.name}: {row.result}", title=row.name)
        for row in milestones.rows
        if not row.good
    ]
    if how := ended(found):
        errors.insert(0, command("error", how, title="the tests did not end"))
    yield from list(dict.fromkeys(errors))[:MOST]
    for check in _next(found, course)[:MOST]:
        place = places.of(check)
        title = f"{check.module}: to write"
        text = told(check)
        yield command("notice", text, file=place.file, line=place.line, title=title)


def _error(check: Check, places: Places) -> str:
    place = places.of(check)
    title = f"{check.module}: {check.name}"
    return command("error", told(check), file=place.file, line=place.line, title=title)


def _wrong(found: Outcomes) -> list[Check]:
    """Return the first failure of each module, then the second ones, and so on."""
    columns: list[tuple[int, str, Check]] = []
    for module in found.modules:
        bad = [c for c in found.of(module) if c.outcome in WRONG]
        bad.sort(key=lambda check: check.outcome)  # failed before missing
        columns += [(depth, module, check) for depth, check in enumerate(bad)]
    return [check for _depth, _module, check in sorted(columns, key=lambda c: c[:2])]


def _next(found: Outcomes, course: Course) -> list[Check]:
    """Return the first task to write of every module that can be begun."""
    done = {m for m in found.modules if passes(found, [m])}
    needs = {m.label: [course.label(name) for name in m.needs] for m in course.modules}
    firsts = []
    for module in found.modules:
        todo = [c for c in found.of(module) if c.outcome == "todo"]
        if todo and done.issuperset(needs.get(module, ())):
            firsts.append(todo[0])
    return firsts


def passes(found: Outcomes, modules: Sequence[str]) -> bool:
    """Return whether each of these has tests, and all of them pass."""
    return all(
        (checks := found.of(module)) and all(c.outcome == "passed" for c in checks)
        for module in modules
    )
