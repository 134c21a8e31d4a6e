"""A store's worth of measured sessions for the tests of the competition's boards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from compete import made
from reports.samples import START, perfect, report

from grader.compete.documents import digest, to_bytes
from grader.models.session import Session, Void
from grader.publish import SiteSettings, build
from grader.publish.competition_models import Competition, EventBoard, EventEntry
from grader.publish.measured import Measurement, measurement
from grader.publish.rules import CompetitionRules, EventRules
from grader.publish.selection import Choice, PublicData, public_data
from grader.store.events import BoardFrozen, Measured
from publish.courses import SECRET, Course

RULES = CompetitionRules(
    events=(
        EventRules(
            "latency",
            {"cnn": 2.0, "mlp": 1.0},
            floors={"cnn": 0.9, "mlp": 0.9},
            required=("tensor",),
        ),
        EventRules("memory", {"cnn": 1.0}),
    )
)
PLAIN = CompetitionRules(events=(EventRules("latency", {"cnn": 1.0}),))
GOOD = made.quality([0.95, 0.95, 0.96, 0.95, 0.95], [0.95] * 5)


def at(hour: float) -> datetime:
    """Return a moment so many hours after the start."""
    return (START + timedelta(hours=hour)).astimezone(UTC)


ASSETS = Path(__file__).parents[3] / "leaderboard"


class Contest(Course):
    """Collects sessions and what is said of them."""

    def __init__(self) -> None:
        super().__init__()
        self._sessions: dict[str, Session] = {}
        self._measured: dict[str, Measurement] = {}

    def ran(
        self,
        student: str,
        log_speed: float | None = 0.0,
        *,
        code: str = "a",
        hour: float = 0.0,
        opponent: str = "",
        **kwargs: Any,
    ) -> str:
        """Add a session and return its digest; None: as many pairs, and void."""
        rng = np.random.default_rng([len(self._sessions), len(student)])
        noise = rng.normal(0, 0.004, (3, 4))
        times = 0.1 * np.exp(-(log_speed or 0.0) + noise)
        known: dict[str, Any] = {"launches": made.launches(times), "quality": GOOD}
        if log_speed is None:
            known["voids"] = (Void(reason="canary"),)
        if opponent:
            known["kind"] = "head-to-head"
        known |= {"started_at": at(hour)} | kwargs
        return self.held(student, made.session(**known), code, opponent=opponent)

    def took(self, student: str, mebibytes: int, **kwargs: Any) -> str:
        """Add a memory session of a reference of 100 MiB above 40 to import."""
        runs = [(140, 40 + mebibytes + n, 40) for n in range(3)]
        code, hour = kwargs.pop("code", "a"), kwargs.pop("hour", 0.0)
        session = made.memory_session(*runs, started_at=at(hour), **kwargs)
        return self.held(student, session, code)

    def held(
        self, student: str, session: Session, code: str, *, opponent: str = ""
    ) -> str:
        """Add a session of the submission `code`; in a duel, against the opponent's."""
        mine = {"submission": made.named(code)}
        if opponent:
            mine["reference"] = opponent
        digests = session.digests.model_copy(update=mine)
        session = session.model_copy(update={"digests": digests})
        name = digest(to_bytes(session))
        self._sessions[name] = session
        payload = Measured(
            session_kind=session.kind,
            event=session.event,
            division=session.division,
            workload=session.workload,
            host_class=session.conditions.host_class,
            submission=session.digests.submission,
            started_at=session.started_at,
            counts=session.counts,
            opponent=self._opponent if opponent else "",
        )
        self.said(student, payload, name)
        return name

    _opponent = ""

    def duel(
        self,
        student: str,
        opponent: str,
        log_ratio: float,
        *,
        codes: str,
        **kwargs: Any,
    ) -> str:
        """Time a submission against the opponent's: `codes` are theirs, mine first."""
        self._opponent = opponent
        mine, theirs = codes
        return self.ran(
            student, log_ratio, code=mine, opponent=made.named(theirs), **kwargs
        )

    def passed_checks(self, student: str, code: str = "a", **kwargs: Any) -> str:
        """Add a result of the submission; all checks pass unless `modules` says so."""
        graded = report(
            student,
            modules=kwargs.pop("modules", perfect()),
            milestones=(),
            minutes=len(self._events),
        )
        verdict = graded.verdict.model_copy(
            update={"submission": made.named(code)} | kwargs
        )
        return self.stored(graded.model_copy(update={"verdict": verdict}))

    def froze(self, board: str = "tinymlperf", *, frozen: bool = True) -> None:
        """Freeze a board, or reveal it."""
        self.said("", BoardFrozen(board=board, frozen=frozen, by="staff"))

    def session(self, name: str) -> Session:
        """Return a session by its digest."""
        return self._sessions[name]

    def measure(self, name: str) -> Measurement:
        """Return what a board needs of a session; computed once."""
        if name not in self._measured:
            self._measured[name] = measurement(name, self._sessions[name])
        return self._measured[name]

    def public(
        self, *, rules: CompetitionRules = PLAIN, minimum_group: int = 1
    ) -> PublicData:
        """Return all that becomes public."""
        choice = Choice(SECRET, minimum_group, START, rules)
        return public_data(self.export(), self.measure, choice)

    def site(
        self,
        *,
        rules: CompetitionRules = PLAIN,
        minimum_group: int = 1,
        cache: Path | None = None,
    ) -> dict[PurePosixPath, bytes]:
        """Return every file of the site."""
        how = SiteSettings(SECRET, ASSETS, minimum_group, START, rules, cache)
        return build(self.export(), self.report, how, self.session)

    def competition(self, **kwargs: Any) -> Competition:
        """Return boards and records."""
        return self.public(**kwargs).competition

    def only(self, **kwargs: Any) -> EventBoard:
        """Return the only board."""
        (board,) = self.competition(**kwargs).boards
        return board

    def rows(self, **kwargs: Any) -> Sequence[EventEntry]:
        """Return the rows of the only board."""
        return self.only(**kwargs).entries


def contest(speeds: Mapping[str, float], **kwargs: Any) -> Contest:
    """Return a contest of public students, each with a submission of their own."""
    held = Contest()
    for number, (student, speed) in enumerate(speeds.items()):
        held.shown(student, "named", student.capitalize())
        held.ran(student, speed, code="abcdef0123456789"[number], hour=number, **kwargs)
    return held
