"""From submissions to ranked pairs of students."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from grader.errors import InconclusiveError, SubmissionRejectedError
from grader.intake import open_submission
from grader.models.submission import SourceFile
from grader.similarity.documents import (
    Document,
    Given,
    Stream,
    documents_of,
    given_code,
    stream_of,
)
from grader.similarity.index import Index, Match
from grader.similarity.models import Comparison, FilePair, Note, StudentPair
from grader.similarity.passages import passages
from grader.similarity.scan import scan

# In a class of three, two who copied are most of it.
COMMON_FLOOR: Final = 4


class Whose(NamedTuple):
    """A submission to compare: whose it is, and where intake finds it."""

    student: str
    source: str


@dataclass(frozen=True)
class Settings:
    """What is left out, and what is shown.

    Attributes:
        given: code that everybody started from.
        least: share of one file that must be found in the other.
        common: share of the class above which a fingerprint does not count.
        top: pairs of students to describe.
    """

    given: tuple[SourceFile, ...] = ()
    least: float = 0.3
    common: float = 0.5
    top: int = 50
    package: str = "tinytorch"


@dataclass(frozen=True)
class Compared:
    """The result, and the texts of the files in it by student and path."""

    report: Comparison
    texts: dict[tuple[str, str], str]


@dataclass
class _Class:
    """What was taken in."""

    students: list[str] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def compare(
    submissions: Sequence[Whose],
    settings: Settings,
    progress: Callable[[str], None] = lambda _: None,
) -> Compared:
    """Compare every submission with every other; nothing of them is executed."""
    given = given_code(settings.given)
    taken = _take_in(submissions, settings, given, progress)
    most = max(COMMON_FLOOR, int(settings.common * len(taken.students)))
    index = Index(taken.documents, most)
    progress("looking for pairs")
    ranked = _ranked(index, taken.documents, settings.least)
    describe = _Describer(index, taken, given).students
    pairs = tuple(describe(found) for found in ranked[: settings.top])
    report = Comparison(
        students=len(taken.students),
        files=len(taken.documents),
        least=settings.least,
        common=settings.common,
        common_from=most + 1,
        found=len(ranked),
        pairs=pairs,
        notes=tuple(taken.notes),
    )
    return Compared(report, _texts(pairs, taken))


def _take_in(
    submissions: Iterable[Whose],
    settings: Settings,
    given: Given,
    progress: Callable[[str], None],
) -> _Class:
    taken = _Class()
    for whose in submissions:
        progress(whose.student)
        try:
            opened = open_submission(whose.source, package=settings.package)
        except (SubmissionRejectedError, InconclusiveError) as exc:
            text = f"not compared: {exc.message}"
            taken.notes.append(Note(student=whose.student, text=text))
            continue
        number = len(taken.students)
        found, odd = documents_of(number, opened.files, given)
        taken.students.append(whose.student)
        taken.documents += found
        taken.notes += [Note(student=whose.student, path=p, text=t) for p, t in odd]
    return taken


def _ranked(
    index: Index, documents: Sequence[Document], least: float
) -> list[list[Match]]:
    """Return the matches of each pair of students, the strongest pair first."""
    pairs = defaultdict[tuple[int, int], list[Match]](list)
    for match in index.matches(least):
        key = documents[match.a].student, documents[match.b].student
        pairs[key].append(match)
    ranked = [_each_file_once(found) for found in pairs.values()]
    return sorted(ranked, key=lambda found: -sum(m.weight for m in found))


def _each_file_once(matches: list[Match]) -> list[Match]:
    """Leave each file beside the one that it shares most with."""
    kept, used = list[Match](), set[int]()
    for match in sorted(matches, key=lambda m: (-m.weight, m.a, m.b)):
        if match.a not in used and match.b not in used:
            kept.append(match)
            used |= {match.a, match.b}
    return kept


class _Describer:
    """Looks again at the files of the few pairs that are shown."""

    def __init__(self, index: Index, taken: _Class, given: Given) -> None:
        self._common, self._taken, self._given = index.common, taken, given
        self._stream = lru_cache(maxsize=64)(self._read)

    def students(self, found: Sequence[Match]) -> StudentPair:
        names, documents = self._taken.students, self._taken.documents
        return StudentPair(
            a=names[documents[found[0].a].student],
            b=names[documents[found[0].b].student],
            weight=round(sum(match.weight for match in found), 3),
            files=tuple(self.files(match) for match in found),
        )

    def files(self, match: Match) -> FilePair:
        a, b = self._taken.documents[match.a], self._taken.documents[match.b]
        both = np.intersect1d(a.hashes, b.hashes, assume_unique=True)
        shared = np.setdiff1d(both, self._common, assume_unique=True)
        found = passages(self._stream(match.a), self._stream(match.b), shared)
        return FilePair(
            file_a=a.path,
            file_b=b.path,
            a_in_b=match.a_in_b,
            b_in_a=match.b_in_a,
            shared=match.shared,
            longest_run=max((p.tokens for p in found), default=0),
            passages=found,
        )

    def _read(self, number: int) -> Stream:
        return stream_of(scan(self._taken.documents[number].text)[0], self._given)


def _texts(pairs: Iterable[StudentPair], taken: _Class) -> dict[tuple[str, str], str]:
    """Return the texts of all files in `pairs`."""
    wanted = {(p.a, f.file_a) for p in pairs for f in p.files}
    wanted |= {(p.b, f.file_b) for p in pairs for f in p.files}
    keys = ((taken.students[d.student], d.path) for d in taken.documents)
    texts = zip(keys, taken.documents, strict=True)
    return {key: document.text for key, document in texts if key in wanted}
