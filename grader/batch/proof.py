"""What a worker of a cluster proves before it gets work, and what its reports prove."""

from __future__ import annotations

from typing import Final

from pydantic import TypeAdapter

from grader.batch.remote_task import Facts, Inner, Question, Standing, data_of, facts_of
from grader.config import Home
from grader.errors import ConfigError, SandboxUnavailableError
from grader.grading import GradeOptions
from grader.models.course import Course
from grader.models.report import GradeReport
from grader.models.submission import Submission

_INNER: Final[TypeAdapter[Inner]] = TypeAdapter(Inner)
_INSTALLED: Final = {"engine", "python", "numpy", "distributed"}


class Proof:
    """What this host has, which the workers must have too.

    Raises:
        GraderError: suites or reference cannot be read, or there is no image.
    """

    def __init__(self, home: Home, course: Course, options: GradeOptions) -> None:
        self.inner = _INNER.validate_python(options.sandbox)
        self.question = Question(
            inner=self.inner, profile=options.profile, milestones=options.milestones
        )
        try:
            self._facts = facts_of(home, course, self.question)
        except SandboxUnavailableError as exc:
            hint = "workers prove that their image is the one of this host: make image"
            raise SandboxUnavailableError(exc.message, hint=hint) from exc
        self._data = data_of(home, course, self.question, options.data)

    def check(self, standing: Standing | None, error: str) -> Standing:
        """Return how a worker stands, if it may grade.

        Args:
            standing: its answer; None if that cannot be read.
            error: of the task that asked for it.

        Raises:
            GraderError: why it gets no work.
        """
        if error:
            hint = "the scheduler and all workers need the grader: pip install -e ."
            msg = f"it cannot run our task: {error}"
            raise ConfigError(msg, hint=hint)
        if standing is None:
            msg = "it answers as another version of the grader does"
            raise ConfigError(msg, hint="install the same version everywhere")
        if failure := standing.failure:
            sandbox = failure.code == SandboxUnavailableError.code
            kind = SandboxUnavailableError if sandbox else ConfigError
            raise kind(failure.message, hint=failure.hint)
        if standing.threads != 1:
            msg = f"it grades with {standing.threads} threads"
            hint = "a death must be one submission's: --nthreads 1 --nworkers N"
            raise ConfigError(msg, hint=hint)
        self._same_facts(standing)
        if standing.tier != self.inner:
            msg = f"its wall is {standing.tier}, not {self.inner}"
            raise SandboxUnavailableError(msg, hint="grader doctor, on that host")
        self._same_data(standing.data)
        return standing

    def _same_facts(self, standing: Standing) -> None:
        for name in Facts.model_fields:
            ours, found = (getattr(f, name, "") for f in (self._facts, standing.facts))
            if ours != found:
                what = "packages" if name in _INSTALLED else "course and image"
                msg = f"its {name} is {_short(found)}, not {_short(ours)}"
                raise ConfigError(msg, hint=f"the same {what} are needed on all hosts")

    def _same_data(self, theirs: dict[str, str]) -> None:
        """Hold data sets against ours; of what we lack, the first worker's count."""
        for name, digest in theirs.items():
            if not digest:
                msg = f"it lacks the data set {name}"
                hint = f"there: grader data fetch {name}, or set TINYTORCH_DATA"
                raise ConfigError(msg, hint=hint)
            known = self._data.get(name) or digest
            if known != digest:
                msg = f"its data set {name} is {_short(digest)}, not {_short(known)}"
                raise ConfigError(msg, hint="the same files are needed on all hosts")
        self._data |= theirs

    def other(self, submission: Submission, report: GradeReport) -> str:
        """Return what of a report is not as it was asked for; empty if all is."""
        verdict, facts = report.verdict, self._facts
        for name, wanted, found in (
            ("submission", submission.digest, verdict.submission),
            ("student", submission.student, report.student),
            ("version of the suites", facts.suites, verdict.suites),
            ("version of the reference", facts.reference, verdict.reference),
            ("profile", self.question.profile, verdict.profile),
            ("engine", facts.engine, verdict.engine),
            ("kind of wall", self.inner, report.measurements.isolation.tier),
        ):
            if wanted != found:
                return name
        return ""


def _short(fact: str) -> str:
    """Return a fact as people compare it: a version, or the beginning of a digest."""
    return fact[:19] if fact.startswith("sha256:") else fact
