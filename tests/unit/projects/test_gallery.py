"""Which projects become public, and what is said of them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from grader.models.project import (
    ClaimMissed,
    ClaimNotJudged,
    ClaimReported,
    Project,
)
from grader.publish import projects_data
from grader.publish.people import Public
from grader.publish.projects import Card, Gallery, gallery
from grader.store import Store
from grader.store.events import Event, Payload, ProjectApproved, ProjectRun, Withdrawn
from projects.made import START, capstone, draw, project

ADA = Public("Ada Lovelace", "entry-1f2e", named=True)
BOB = Public("brisk otter", "brisk-otter", named=False)
PUBLIC = {"ada": ADA, "bob": BOB}


class Log:
    """Events of projects, and the projects behind them."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.projects: dict[str, Project] = {}

    def say(self, student: str, payload: Payload, digest: str) -> None:
        self.events.append(
            Event(
                id=len(self.events) + 1,
                at=START,
                student=student,
                document=digest,
                payload=payload,
            )
        )

    def ran(self, student: str, made: Project, *, approved: bool = True) -> str:
        digest = f"sha256:{len(self.projects):064x}"
        self.projects[digest] = made
        said = ProjectRun(title=made.capstone.title, state=made.claim.kind)
        self.say(student, said, digest)
        if approved:
            self.approve(student, digest)
        return digest

    def approve(self, student: str, digest: str, *, approved: bool = True) -> None:
        self.say(student, ProjectApproved(approved=approved, by="staff"), digest)

    def gallery(self, minimum_group: int = 1) -> Gallery:
        return gallery(
            self.events,
            self.projects.__getitem__,
            PUBLIC,
            minimum_group=minimum_group,
            now=START,
        )

    def only(self) -> Card:
        (card,) = self.gallery().cards
        return card


def test_nothing_is_shown_before_staff_approve_it() -> None:
    log = Log()
    digest = log.ran("ada", project(), approved=False)
    assert log.gallery().cards == ()

    log.approve("ada", digest)
    assert log.only().name == "Ada Lovelace"

    log.approve("ada", digest, approved=False)
    assert log.gallery().cards == ()


def test_a_withdrawn_project_goes() -> None:
    log = Log()
    digest = log.ran("ada", project())
    log.say("ada", Withdrawn(by="staff", reason="asked"), digest)

    assert log.gallery().cards == ()


def test_who_is_hidden_has_no_card_whatever_staff_approve() -> None:
    log = Log()
    log.ran("carol", project())

    assert log.gallery().cards == ()


def test_the_newest_approved_run_of_a_title_is_shown_newest_first() -> None:
    log = Log()
    log.ran("ada", project(round="week-1"))
    log.ran("bob", project(capstone=capstone(title="Sonnets")))
    newer = log.ran("ada", project(round="week-2"))
    log.ran("ada", project(round="week-3"), approved=False)

    cards = log.gallery().cards

    assert [(c.name, c.round) for c in cards] == [
        ("Ada Lovelace", "week-2"),
        ("brisk otter", "week-1"),
    ]
    assert cards[0].document == newer


@pytest.mark.parametrize(("students", "shown"), [("ab", False), ("a", True)])
def test_a_small_group_is_not_shown_unless_all_are_named(
    students: str, shown: bool
) -> None:
    log = Log()
    for student in students:
        log.ran({"a": "ada", "b": "bob"}[student], project())

    found = log.gallery(minimum_group=5)

    assert found.shown == shown
    assert bool(found.cards) == shown


def test_a_card_says_what_was_claimed_and_what_was_measured() -> None:
    log = Log()
    log.ran("bob", project(ClaimMissed(by=0.07)))

    card = log.only()

    assert (card.metric.claimed, card.metric.value) == (0.9, 0.9)
    assert (card.metric.low, card.metric.high, card.metric.over) == (
        0.88,
        0.92,
        "draws",
    )
    assert (card.metric.state, card.metric.by) == ("not reproduced", 0.07)
    assert (card.cost.cpu_s, card.cost.memory_bytes) == (2.0, 2**20)
    assert [len(d.curve) for d in card.draws] == [1, 1, 1]
    assert len(card.resources) == 1
    assert card.reproduce == "grader project run SUBMISSION --round week-1"


def test_a_metric_of_the_submissions_own_is_only_ever_reported() -> None:
    draws = tuple(draw(n, metric=None, reported=0.5) for n in (1, 2, 3))  # type: ignore[arg-type]
    log = Log()
    log.ran("bob", project(ClaimReported(), draws=draws, reproduction=None))

    card = log.only()

    assert (card.metric.value, card.metric.reported) == (None, 0.5)
    assert card.metric.state == "reported"


def test_what_was_not_judged_has_no_numbers() -> None:
    log = Log()
    why = ClaimNotJudged(reason="the sandbox ended")
    log.ran("bob", project(why, draws=(), reproduction=None))

    card = log.only()

    assert (card.metric.value, card.metric.reported, card.cost.cpu_s) == (None,) * 3


def test_no_id_of_a_student_is_in_the_gallery() -> None:
    log = Log()
    log.ran("ada", project())
    log.ran("bob", project())

    text = log.gallery().model_dump_json()

    assert all(f'"{student}"' not in text for student in PUBLIC)


def test_equal_arguments_give_equal_bytes() -> None:
    def once() -> Any:
        log = Log()
        log.ran("ada", project())
        return log.gallery().model_dump_json()

    assert once() == once()


def test_the_data_for_machines_say_what_the_cards_say() -> None:
    log = Log()
    title = "=1+1 digits"
    log.ran("bob", project(ClaimMissed(by=0.07), capstone=capstone(title=title)))
    found = log.gallery()

    assert Gallery.model_validate_json(projects_data.to_json(found)) == found
    lines = projects_data.to_csv(found).decode().split("\r\n")
    assert len(lines) == 3
    (row,) = csv.DictReader(io.StringIO("\n".join(lines)))
    assert row["title"] == f"'{title}"  # no formula for a spreadsheet
    assert (row["claimed"], row["measured"], row["short_by"]) == ("0.9", "0.9", "0.07")
    described = json.loads(projects_data.schema())
    assert set(described["properties"]) == set(Gallery.model_fields)


def test_notes_for_staff_are_not_public() -> None:
    log = Log()
    log.ran("bob", project(notes=("data in the script, look at it",)))

    assert "look at it" not in log.gallery().model_dump_json()


def test_a_gallery_of_a_store_shows_who_agreed_until_they_are_forgotten(
    tmp_path: Path,
) -> None:
    store = Store.open(tmp_path)
    kept = store.projects.add("ada", project())
    store.projects.approve(kept, ProjectApproved(approved=True, by="staff"))

    def shown() -> tuple[Card, ...]:
        events, read = store.export().events, store.projects.read
        return gallery(events, read, PUBLIC, minimum_group=1, now=START).cards

    assert [card.document for card in shown()] == [kept]
    store.forget("ada", by="staff", reason="asked")
    assert shown() == ()
