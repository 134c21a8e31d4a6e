"""`tito module complete`: run the public checks and note the digest that passed."""

from __future__ import annotations

from tito import checks
from tito import progress as notes
from tito.checks import Result
from tito.course import Module
from tito.errors import TitoError
from tito.package import collect
from tito.progress import Passed
from tito.screen import clean_output, say, seconds
from tito.state import Here

LINES = 40  # of a failing module's output; `tito module test` shows the rest


def complete(here: Here, module: Module, limit_s: float) -> None:
    """Check a module and what it rests on, each in its own process; note what passes.

    Raises:
        TitoError: checks of one of them do not pass, or the code changed meanwhile.
    """
    passed: dict[str, Passed] = {}
    for each in here.course.closure([module.name]):
        try:
            result = _check(here, each, limit_s)
        except KeyboardInterrupt:
            _note(here, passed)
            raise
        if not result.passed:
            _note(here, passed)
            raise _not_right(module, each, result)
        digest, files = here.rests_on([each.name])
        number = result.counts["passed"]
        passed[each.name] = Passed(notes.moment(), digest, files, number)
    _note(here, passed)
    say(f"{module.label} is complete; noted in {notes.FILE}", "green")


def _check(here: Here, module: Module, limit_s: float) -> Result:
    path = checks.choose(here.project, module.label)
    result = checks.run_checks(here.project, str(path), limit_s=limit_s)
    colour = "green" if result.passed else "red"
    say(f"{module.label:<20} {result.words:<32} {seconds(result.ran.wall_s)}", colour)
    if not result.passed:
        say()
        lines = clean_output(result.ran.output, colour=False).rstrip().splitlines()
        say("\n".join(lines[:LINES]))
        if len(lines) > LINES:
            say(f"... and {len(lines) - LINES} lines more")
    return result


def _not_right(wanted: Module, module: Module, result: Result) -> TitoError:
    why = result.words
    if module is not wanted:
        why = f"it rests on {module.label}: {why}"
    return TitoError(
        f"{wanted.label} is not complete: {why}",
        f"See it one at a time: tito module test {module.label}",
    )


def _note(here: Here, passed: dict[str, Passed]) -> None:
    """Write down what passed, unless it is not what stands in the files now.

    Raises:
        TitoError: a file was edited while its checks ran.
    """
    if not passed:
        return
    if list(collect(here.project)) != list(here.sources):
        raise TitoError(
            "files were edited while the checks ran; nothing was noted",
            "Run it again.",
        )
    progress = notes.load(here.project)  # another terminal may have written
    progress.modules |= passed
    notes.save(here.project, progress)
