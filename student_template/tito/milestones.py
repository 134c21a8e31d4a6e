"""`tito milestone run`: the historical scripts on your package, and their outcome."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from tito import progress as notes
from tito import tokens
from tito.course import Milestone, Script
from tito.errors import TitoError, UnknownNameError
from tito.package import collect
from tito.process import Ran, run
from tito.progress import Finished
from tito.screen import clean_output, look, say, seconds
from tito.state import Here

ENDINGS = {0: "as it should be", 1: "target missed, or something is not there yet"}
LIMIT_S = 3600.0


def check_needs(here: Here, milestone: Milestone, *, anyway: bool) -> None:
    """Refuse to run before the modules that it needs are complete.

    Raises:
        TitoError: naming these modules.
    """
    label = here.course.label
    if stale := here.stale(milestone.needs):
        names = ", ".join(map(label, stale))
        say(f"note: edited since its checks passed: {names}", "yellow")
    missing = here.missing(milestone.needs)
    if missing and not anyway:
        names = ", ".join(map(label, missing))
        raise TitoError(
            f"milestone {milestone.label} is blocked by {names}",
            f"First: tito module complete {label(missing[0])}   "
            "(or run it --anyway; nothing is noted then)",
        )


def choose(
    milestone: Milestone, names: Sequence[str], *, fetched: bool
) -> list[Script]:
    """Return the scripts to run: those named, or all whose data is here.

    Raises:
        UnknownNameError: there is no such script.
    """
    known = {script.file: script for script in milestone.scripts}
    for name in names:
        if name not in known:
            raise UnknownNameError(
                f"milestone {milestone.label} has no script {name!r}",
                f"Its scripts: {', '.join(known)}",
            )
    if names:
        return [known[name] for name in names]
    return [s for s in milestone.scripts if fetched or not s.fetch]


def run_script(
    project: Path,
    milestone: Milestone,
    script: Script,
    *,
    limit_s: float = LIMIT_S,
    show: Callable[[str], None] | None = None,
) -> Ran:
    """Run a script in its folder, on the package of this repository.

    Raises:
        TitoError: the script is not there.
    """
    folder = project / "milestones" / milestone.folder
    if not (folder / script.file).is_file():
        raise TitoError(
            f"there is no milestones/{milestone.folder}/{script.file}",
            "Take it back from the repository's history.",
        )
    command = [sys.executable, "-u", script.file, *script.options]
    return run(
        command,
        folder=folder,
        limit_s=limit_s,
        environment=_environment(project),
        show=show,
    )


def _environment(project: Path) -> dict[str, str]:
    rest = os.environ.get("PYTHONPATH", "")
    path = os.pathsep.join(part for part in (str(project), rest) if part)
    # numpy's threads cost more than they give at the sizes of this course.
    return {"OPENBLAS_NUM_THREADS": "1", **tokens.environment(), "PYTHONPATH": path}


def run_all(
    here: Here, milestone: Milestone, scripts: Sequence[Script], *, note: bool
) -> int:
    """Run scripts with their output shown; return the first exit code but 0."""
    colour = look().colour
    for script in scripts:
        say(f"-- {' '.join([script.file, *script.options])}", "cyan")
        ran = run_script(
            here.project,
            milestone,
            script,
            show=lambda text: click.echo(
                clean_output(text, colour=colour), nl=False, color=colour
            ),
        )
        say(f"-- {script.file}: {ending(ran)} ({seconds(ran.wall_s)})", _colour(ran))
        if note:
            _note(here, milestone, script, ran)
        if ran.code:
            return 130 if ran.interrupted else 1
    return 0


def ending(ran: Ran) -> str:
    """Return how a script ended."""
    if ran.interrupted:
        return "interrupted"
    if ran.stopped:
        return "stopped by the time limit"
    if ran.code < 0:
        return f"ended by signal {-ran.code}"
    return ENDINGS.get(ran.code, f"exit code {ran.code}")


def _colour(ran: Ran) -> str:
    return "green" if ran.code == 0 else "red"


def _note(here: Here, milestone: Milestone, script: Script, ran: Ran) -> None:
    """Write down how a script ended, unless it was interrupted or the code changed."""
    if ran.interrupted or list(collect(here.project)) != list(here.sources):
        say("not noted: interrupted, or files were edited meanwhile", "yellow")
        return
    digest, _files = here.rests_on(milestone.needs)
    progress = notes.load(here.project)
    done = Finished(notes.moment(), digest, ran.code, round(ran.wall_s, 3))
    progress.milestones.setdefault(milestone.name, {})[script.file] = done
    notes.save(here.project, progress)
