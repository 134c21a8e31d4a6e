"""What is told of submissions, and to whom."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from reports.samples import report
from store.arrivals import START, Clock

from grader.models.report import GradeReport
from grader.roster import Person
from grader.service import Site
from grader.service.answers import FAILED, UNCLEAR
from grader.store import documents
from grader.store.access import Who
from grader.store.events import PolicySet, RegradeSet, TeamSet
from service.clients import PATH, Client, bundle, graded, result_of
from service.test_hand_in import problem

NOTHING = "s-" + "A" * 12


def look(client: Client, token: str, path: str = "") -> Any:
    return client.get(f"{PATH}{path}", headers=client.of(token))


@pytest.fixture
def ann(client: Client) -> str:
    return client.token("ann")


def handed_in(client: Client, token: str, data: bytes, round_: str = "") -> str:
    id_: str = client.hand_in(token, data, round_=round_).json()["id"]
    return id_


def test_states_are_told_as_they_change(client: Client, site: Site, ann: str) -> None:
    data = bundle("ann")
    id_ = handed_in(client, ann, data)
    assert look(client, ann, f"/{id_}").json()["state"] == "waiting"

    site.store.jobs.lease_received("worker")
    told = look(client, ann, f"/{id_}").json()
    assert (told["state"], told["new"], told["earned"]) == ("grading", False, None)
    site.store.jobs.release("worker")

    verdict = graded(site, "ann", data).verdict
    told = look(client, ann, f"/{id_}").json()
    assert (told["state"], told["message"]) == ("graded", "")
    assert (told["earned"], told["points"]) == (verdict.earned, verdict.points)


@pytest.mark.parametrize(
    "told",
    [
        ("fail", "failed", FAILED),
        ("refuse", "rejected", "no folder tinytorch/"),
    ],
)
def test_how_it_ended_is_told_without_what_is_ours(
    client: Client, site: Site, ann: str, told: tuple[str, str, str]
) -> None:
    how, state, said = told
    id_ = handed_in(client, ann, bundle("ann"))
    job = site.store.jobs.lease_received("worker")
    assert job is not None
    message = said if how == "refuse" else "no sandbox; see /srv/secret"
    getattr(site.store.jobs, how)(job.key, "worker", message)

    answer = look(client, ann, f"/{id_}").json()

    assert (answer["state"], answer["message"]) == (state, said)


def test_what_could_not_be_judged_has_no_points(
    client: Client, site: Site, ann: str
) -> None:
    id_ = handed_in(client, ann, bundle("ann"))
    job = site.store.jobs.lease_received("worker")
    assert job is not None
    site.store.jobs.accept(job.key, "worker", report("ann"))

    told = look(client, ann, f"/{id_}").json()

    assert (told["state"], told["message"]) == ("inconclusive", UNCLEAR)
    assert told["earned"] is None


@pytest.mark.parametrize("path", ["", "/events", "/report"])
@pytest.mark.parametrize("whose", ["another's", "nobody's"])
def test_what_is_anothers_is_not_there(
    client: Client, site: Site, ann: str, path: str, whose: str
) -> None:
    data = bundle("ann")
    id_ = handed_in(client, ann, data) if whose == "another's" else NOTHING

    problem(look(client, client.token("eve"), f"/{id_}{path}"), 404, "not_found")


def test_staff_see_any(client: Client, site: Site, ann: str) -> None:
    id_ = handed_in(client, ann, bundle("ann"))

    told = look(client, client.token("boss", "staff"), f"/{id_}").json()

    assert told["student"] == "ann"


def test_ones_own_are_listed_the_newest_first(
    client: Client, ann: str, clock: Clock
) -> None:
    assert look(client, ann).json() == {"submissions": []}
    ids = []
    for number in range(3):
        clock.forward(minutes=1)
        ids.append(handed_in(client, ann, bundle(text=f"x = {number}\n")))
    handed_in(client, client.token("ben"), bundle("ben"))

    listed = look(client, ann).json()["submissions"]

    assert [one["id"] for one in listed] == ids[::-1]
    assert [one["ahead"] for one in listed] == [2, 1, 0]


def test_the_report_is_told_whole(client: Client, site: Site, ann: str) -> None:
    data = bundle("ann")
    id_ = handed_in(client, ann, data)
    problem(look(client, ann, f"/{id_}/report"), 404, "not_found")

    made = graded(site, "ann", data)

    answer = look(client, ann, f"/{id_}/report")
    assert answer.headers["content-type"] == "application/json"
    assert GradeReport.model_validate_json(answer.content) == made


def test_details_of_a_final_round_are_told_when_it_is_over(
    client: Client, site: Site, ann: str, clock: Clock
) -> None:
    data = bundle("ann")
    id_ = handed_in(client, ann, data, "exam")
    graded(site, "ann", data, round="exam", round_kind="final")

    problem(look(client, ann, f"/{id_}/report"), 409, "round_open")
    assert look(client, ann, f"/{id_}").json()["earned"] is not None
    boss = client.token("boss", "staff")
    assert look(client, boss, f"/{id_}/report").status_code == 200

    policy = PolicySet(round="exam", due_at=START, closes_after_days=1, by="me")
    site.store.record("", policy)
    problem(look(client, ann, f"/{id_}/report"), 409, "round_open")
    clock.forward(days=1, seconds=1)
    assert look(client, ann, f"/{id_}/report").status_code == 200


def test_a_regrade_counts_once_it_is_applied(
    client: Client, site: Site, ann: str
) -> None:
    data = bundle("ann")
    id_ = handed_in(client, ann, data)
    first = graded(site, "ann", data)
    points = first.verdict.earned - 10
    made = result_of("ann", data, earned=points)
    regraded = documents.write(site.settings.store, made)
    told = {"round": "one", "by": "me"}
    site.store.record("", RegradeSet(name="r", state="planned", **told))
    assert look(client, ann, f"/{id_}").json()["earned"] == first.verdict.earned

    applied = RegradeSet(name="r", state="applied", **told)
    site.store.end_regrade(applied, [("ann", regraded)])

    assert look(client, ann, f"/{id_}").json()["earned"] == points


def test_me(client: Client, site: Site, ann: str) -> None:
    site.store.people.put([Person("ann", first_name="Ann", last_name="Lee")])
    site.store.record("red", TeamSet(members=("ann", "ben"), by="me"))
    site.store.record("", PolicySet(round="one", due_at=START, by="me"))
    handed_in(client, ann, bundle("ann"))

    told = client.get("/api/v1/me", headers=client.of(ann)).json()

    assert told == {
        "student": "ann",
        "name": "Ann Lee",
        "team": ["ann", "ben"],
        "round": "one",
        "due_at": "2026-11-24T12:00:00Z",
        "limits": {"bytes": 1 << 20, "per_hour": 5, "left": 4},
    }
    boss = client.token("boss", "staff")
    problem(client.get("/api/v1/me", headers=client.of(boss)), 403, "not_yours")


def test_a_session_reads_and_hands_nothing_in(
    client: Client, site: Site, ann: str
) -> None:
    id_ = handed_in(client, ann, bundle("ann"))
    session = site.store.access.issue(
        "session", Who("student", "ann"), timedelta(hours=1)
    )
    client.cookies.set("tinytorch_session", session)

    assert client.get(f"{PATH}/{id_}").json()["id"] == id_
    problem(client.post(PATH, content=bundle("ann")), 401, "token_missing")


def test_a_session_that_is_over_reads_nothing(
    client: Client, site: Site, clock: Clock
) -> None:
    session = site.store.access.issue(
        "session", Who("student", "ann"), timedelta(hours=1)
    )
    client.cookies.set("tinytorch_session", session)
    clock.forward(hours=2)

    problem(client.get(PATH), 401, "token_missing")


@pytest.mark.parametrize(
    "asked",
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/api/v1/submissions/x", 400, "invalid"),
        ("DELETE", "/api/v1/submissions", 405, "method_not_allowed"),
        ("GET", "/docs", 404, "not_found"),
    ],
)
def test_other_mistakes_are_problems_too(
    client: Client, ann: str, asked: tuple[str, str, int, str]
) -> None:
    method, path, status, code = asked
    problem(client.request(method, path, headers=client.of(ann)), status, code)


def test_a_bug_is_a_problem_and_says_nothing_of_itself(
    client: Client, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("/srv/secret")

    monkeypatch.setattr("grader.service.api.names_of", fail)

    answer = look(client, ann)

    problem(answer, 500, "bug")
    assert "secret" not in answer.text


def events(text: str) -> list[dict[str, Any]]:
    """Return the data of the events `state` in a stream."""
    found = [e for e in text.split("\n\n") if e.startswith("event: state\n")]
    return [json.loads(e.split("data: ", 1)[1]) for e in found]


def test_a_stream_of_what_has_ended_ends(client: Client, site: Site, ann: str) -> None:
    data = bundle("ann")
    id_ = handed_in(client, ann, data)
    graded(site, "ann", data)

    answer = look(client, ann, f"/{id_}/events")

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert [one["state"] for one in events(answer.text)] == ["graded"]


def test_a_stream_tells_each_change(
    client: Client, site: Site, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.service.watching.LOOK_S", 0.05)
    monkeypatch.setattr("grader.service.watching.COMMENT_S", 0.3)
    data = bundle("ann")
    id_ = handed_in(client, ann, data)
    steps = [
        lambda: site.store.jobs.lease_received("first"),
        lambda: site.store.jobs.release("first"),
        lambda: graded(site, "ann", data),
    ]
    seen, comments = [], 0

    with client.stream("GET", f"{PATH}/{id_}/events", headers=client.of(ann)) as stream:
        for line in stream.iter_lines():
            comments += line.startswith(":")
            if line.startswith("data: "):
                seen.append(json.loads(line[6:])["state"])
                if len(seen) <= len(steps):
                    steps[len(seen) - 1]()

    assert seen == ["waiting", "grading", "waiting", "graded"]
    until = time.monotonic() + 10  # the server hears of the end a little later
    while client.app.state.watch._followed and time.monotonic() < until:
        time.sleep(0.02)
    assert client.app.state.watch._followed == {}
