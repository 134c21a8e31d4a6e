"""`tito checkpoint status`: what is done and what comes, in 80 columns."""

from __future__ import annotations

from collections.abc import Iterator

from tito.course import Course, Milestone, Module
from tito.screen import Look, clean, cut
from tito.state import BLOCKED, DONE, LATER, OPEN, STALE, STARTED, Here, State

ASCII = {DONE: "x", STALE: "!", STARTED: "~", BLOCKED: "-", OPEN: " ", LATER: "."}
SYMBOLS = {DONE: "●", STALE: "◌", STARTED: "◐", BLOCKED: "·", OPEN: "○", LATER: " "}
COLOURS = {DONE: "green", STALE: "yellow", STARTED: "cyan", OPEN: "cyan"}
NAMES = 6  # of modules that something waits for; more are counted


def timeline(here: Here, look: Look) -> Iterator[str]:
    """Yield the lines, painted as the terminal allows."""
    course = here.course
    states = {m.name: here.module(m) for m in course.modules}
    runs = {m.name: here.milestone(m) for m in course.milestones}
    yield cut(clean(course.title), look.width)
    yield f"modules {_done(states, course)}, milestones {_done(runs, course)}"
    yield ""
    after = _after(course)
    for module in course.modules:
        head = f"{module.number}  {module.title}"
        yield _line(head, module.due, states[module.name], here, look)
        for milestone in after.get(module.name, []):
            head = f"    milestone {milestone.number}, {milestone.year}"
            yield _line(head, milestone.due, runs[milestone.name], here, look)
    yield ""
    yield next_step(here, states, runs)


def _done(states: dict[str, State], course: Course) -> str:
    words = [state.word for state in states.values()]
    stale = f" ({words.count(STALE)} stale)" if STALE in words else ""
    return f"{words.count(DONE)} of {len(words)} done{stale}"


def _after(course: Course) -> dict[str, list[Milestone]]:
    """Return the milestones by the last module that they need."""
    found: dict[str, list[Milestone]] = {}
    for milestone in course.milestones:
        needed = course.closure(milestone.needs)
        if needed:
            found.setdefault(needed[-1].name, []).append(milestone)
    return found


def _line(head: str, due: str, state: State, here: Here, look: Look) -> str:
    mark = SYMBOLS[state.word] if look.symbols else f"[{ASCII[state.word]}]"
    text = f"  {mark} {cut(clean(head), 28):<28}  {describe(state, here.course)}"
    if due and state.word != DONE:
        day = f"  due {clean(due)}"
        text = f"{cut(text.rstrip(), look.width - len(day))}{day}"
    return look.paint(cut(text.rstrip(), look.width), COLOURS.get(state.word, ""))


def describe(state: State, course: Course) -> str:
    """Return the state in words: "blocked by 02 tensor, 03 activations"."""
    if state.word == BLOCKED:
        return f"blocked by {waits_for(state, course)}"
    parts = [f"{state.word:<11}  {state.day}".rstrip(), clean(state.detail)]
    if state.missing:
        parts.append(f"needs {waits_for(state, course)}")
    return "  ".join(part for part in parts if part)


def waits_for(state: State, course: Course) -> str:
    """Return the modules that something waits for: "02, 03", or six "and 3 more"."""
    missing = [m.number for m in course.modules if m.name in state.missing]
    more = len(missing) - NAMES
    shown = ", ".join(missing[:NAMES])
    return f"{shown} and {more} more" if more > 0 else shown


def next_step(here: Here, states: dict[str, State], runs: dict[str, State]) -> str:
    """Return the one command to go on with."""
    course = here.course
    for module in course.modules:
        if states[module.name].word == STALE:
            last = _last_stale(course, states)
            return f"next: tito module complete {last.label}   (checks it again)"
    for milestone in course.milestones:
        state = runs[milestone.name]
        if state.word in (OPEN, STARTED, STALE) and not state.missing:
            return f"next: tito milestone run {milestone.number}"
    for module in course.modules:
        if states[module.name].word in (STARTED, OPEN, BLOCKED):
            if not here.unwritten(module):
                return f"next: tito module complete {module.label}"
            return (
                f"next: tinytorch/{module.files[0]}, then tito module test "
                f"{module.label}"
            )
    return "next: nothing; all that is released is done"


def _last_stale(course: Course, states: dict[str, State]) -> Module:
    """Return the last stale module: completing it checks what it rests on, too."""
    return [m for m in course.modules if states[m.name].word == STALE][-1]
