"""What staff and rosters said about one round, gathered from the events."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from grader.store.events import (
    Chosen,
    Commented,
    Event,
    Extended,
    Overridden,
    PolicySet,
    Submitted,
    TeamSet,
)
from grader.store.export import Export


@dataclass
class Said:
    """The latest word on everything in one round; by the event's student, or team."""

    round: str
    policy: PolicySet
    submissions: dict[str, str]  # by the digest of a result
    times: dict[tuple[str, str], datetime] = field(default_factory=dict)
    extended: dict[str, Extended] = field(default_factory=dict)
    chosen: dict[str, tuple[str, Chosen]] = field(default_factory=dict)
    overridden: dict[str, dict[str, Overridden]] = field(default_factory=dict)
    commented: dict[str, Commented] = field(default_factory=dict)
    _everywhere: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _here: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def teams(self) -> dict[str, tuple[str, ...]]:
        """Members by team; what is said of this round goes before what is said of all.

        A dissolved team is none.
        """
        found = {**self._everywhere, **self._here}
        return {team: members for team, members in found.items() if members}

    @cached_property
    def memberships(self) -> dict[str, list[str]]:
        """Teams by member; asked for once everything is heard."""
        found: dict[str, list[str]] = {}
        for team, members in self.teams.items():
            for member in members:
                found.setdefault(member, []).append(team)
        return found

    def hear(self, event: Event) -> None:
        """Take in one more event, in the order of their ids."""
        payload, student = event.payload, event.student
        if isinstance(payload, TeamSet):
            self._of_team(student, payload)
        elif getattr(payload, "round", None) == self.round:
            self._of_round(event)

    def _of_team(self, team: str, said: TeamSet) -> None:
        if said.round == self.round:
            self._here[team] = said.members
        elif not said.round:
            self._everywhere[team] = said.members

    def _of_round(self, event: Event) -> None:
        student = event.student
        match event.payload:
            case PolicySet() as policy:
                self.policy = policy
            case Submitted() as submitted:
                self._handed_in(student, submitted)
            case Extended() as extended:
                self.extended[student] = extended
            case Chosen() as chosen:
                submission = self.submissions.get(event.document or "", "")
                self.chosen[student] = submission, chosen
            case Overridden() as override:
                self.overridden.setdefault(student, {})[override.part] = override
            case Commented() as comment:
                self.commented[student] = comment
            case _:
                pass

    def _handed_in(self, student: str, said: Submitted) -> None:
        key = student, said.submission
        before = None if said.anew else self.times.get(key)
        # In UTC: two times of one zone would be compared as a clock shows them.
        if before is None or said.at.astimezone(UTC) < before.astimezone(UTC):
            self.times[key] = said.at


def said_of(export: Export, round_: str) -> Said:
    """Return what was said about a round; without a policy, nothing is ever late."""
    submissions = {one.digest: one.summary.submission for one in export.results}
    said = Said(round_, PolicySet(round=round_, by="nobody"), submissions)
    for event in export.events:
        said.hear(event)
    return said
