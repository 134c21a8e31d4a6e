"""`tito benchmark`: what your code takes, beside what the course allows.

It is advice. The course measures on its own machine, and stretches the limits on a
slower one; what is measured here holds for this machine and this moment.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tito import checks
from tito.course import Milestone, Module
from tito.milestones import ending, run_script
from tito.process import Ran
from tito.screen import mebibytes, seconds
from tito.state import Here

HEAD = f"{'':<16} {'wall':>9} {'CPU':>9} {'peak RSS':>9}  result"
ADVICE = (
    "This is advice: your machine, now. The limits are CPU seconds of training on the",
    "course's machine, and its memory; a script also looks at what doubling costs.",
)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    ran: Ran
    result: str
    good: bool

    def __str__(self) -> str:
        cpu = "?" if self.ran.cpu_s is None else seconds(self.ran.cpu_s)
        peak = mebibytes(self.ran.peak_bytes)
        wall = seconds(self.ran.wall_s)
        return f"{self.name:<16} {wall:>9} {cpu:>9} {peak:>9}  {self.result}"


def measure(
    here: Here, modules: Sequence[Module], milestones: Sequence[Milestone]
) -> Iterator[Row]:
    """Yield a row for each, as soon as it is measured."""
    for module in modules:
        path = checks.choose(here.project, module.label)
        result = checks.run_checks(here.project, str(path))
        yield Row(module.label, result.ran, result.words, result.passed)
    for milestone in milestones:
        yield _milestone(here, milestone)


def _milestone(here: Here, milestone: Milestone) -> Row:
    """Run the script that the quick profile grades, and set it beside the limits."""
    quick = milestone.quick
    script = next(s for s in milestone.scripts if quick and s.file == quick.script)
    assert quick is not None
    script = replace(script, options=(*script.options, "--json"))
    ran = run_script(here.project, milestone, script, limit_s=10 * quick.wall_s)
    if ran.interrupted:
        raise KeyboardInterrupt
    facts = _facts(ran.output)
    train_s = facts.get("train_cpu_s")
    if not isinstance(train_s, int | float):
        return Row(f"milestone {milestone.number}", ran, ending(ran), good=False)
    over = [
        *(["CPU"] if train_s > quick.cpu_s else []),
        *(["memory"] if _peak(facts, ran) > quick.memory_mib * 2**20 else []),
    ]
    word = "reached" if ran.code == 0 else "missed"
    word = f"over {', '.join(over)}" if over else word
    result = f"{word}; trained {train_s:.2f} of {quick.cpu_s:g} s"
    good = ran.code == 0 and not over
    return Row(f"milestone {milestone.number}", ran, result, good)


def _peak(facts: dict[str, Any], ran: Ran) -> int:
    """Return the memory until training was over, or of the whole script."""
    systems = facts.get("systems")
    peak = systems.get("process_peak_bytes") if isinstance(systems, dict) else None
    return peak if isinstance(peak, int) else ran.peak_bytes or 0


def _facts(output: str) -> dict[str, Any]:
    """Return what a script says with `--json`; nothing, if it came to no end."""
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            try:
                found = json.loads(line)
            except (ValueError, RecursionError):
                return {}
            return found if isinstance(found, dict) else {}
    return {}
