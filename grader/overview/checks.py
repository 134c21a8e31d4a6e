"""The checks that fail most and the mistakes that were recognised most."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from grader.models.summary import ResultSummary
from grader.overview.catalogue import Catalogue
from grader.overview.models import FAIL_KINDS, Check, Mistake, MistakeIn
from grader.overview.parts import held

MISTAKES = ("wrong", "raised", "stopped")


def checks(results: Sequence[ResultSummary], known: Catalogue) -> tuple[Check, ...]:
    """Return every check that fails, ranked.

    Mistakes in a student's own code come first, then what holds most others back. What
    is blocked or not written yet never moves a check up: its cause is another line.
    """
    tallies: dict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        for check, how in _failures(result):
            tallies[check][how] += 1
    students = Counter(module.name for r in results for module in r.modules)
    waiting, mistakes = _waiting(results), _mistakes(results)
    found = []
    for check, tally in tallies.items():
        module = check.partition("::")[0]
        text, mistaken = max(
            mistakes[check].items(), key=lambda m: (m[1], m[0]), default=("", 0)
        )
        found.append(
            Check(
                id=check,
                module=module,
                number=known[check].place[0],
                title=known[check].title,
                students=students[module],
                held=held(waiting[check]),
                mistake=text,
                mistaken=mistaken,
                **tally,
            )
        )
    return tuple(sorted(found, key=lambda check: _rank(check, known)))


def mistakes(results: Sequence[ResultSummary], known: Catalogue) -> tuple[Mistake, ...]:
    """Return the mistakes that were recognised, those of most students first."""
    who: dict[str, set[int]] = defaultdict(set)
    where: dict[str, Counter[str]] = defaultdict(Counter)
    for student, result in enumerate(results):
        for check, text in result.mistakes.items():
            who[text].add(student)
            where[text][check] += 1
    ranked = sorted(who, key=lambda text: (-len(who[text]), text))
    return tuple(
        Mistake(
            text=text,
            students=len(who[text]),
            checks=tuple(
                MistakeIn(id=check, title=known[check].title, students=count)
                for check, count in sorted(
                    where[text].items(), key=lambda c: (-c[1], known[c[0]].place)
                )
            ),
        )
        for text in ranked
    )


def _failures(result: ResultSummary) -> Iterator[tuple[str, str]]:
    for kind, ids in result.failing.items():
        for check in ids:
            yield check, FAIL_KINDS[kind]


def _waiting(results: Sequence[ResultSummary]) -> dict[str, list[int]]:
    """Return by check how many others it blocks, for each student who is wrong in it.

    What blocks may be named by the id of a check without its parameters.
    """
    found: dict[str, list[int]] = defaultdict(list)
    for result in results:
        if not result.holding:
            continue
        wrong = [c for c, how in _failures(result) if how in MISTAKES]
        for cause, count in result.holding.items():
            for check in wrong:
                if check == cause or check.startswith(f"{cause}_"):
                    found[check].append(count)
    return found


def _mistakes(results: Sequence[ResultSummary]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        for check, text in result.mistakes.items():
            found[check][text] += 1
    return found


def _rank(check: Check, known: Catalogue) -> tuple[object, ...]:
    place = known[check.id].place
    return (-check.mistakes, -check.wrong, -check.held.checks, -check.todo, place)
