"""What stands beside the API: its document, health, numbers, and second tries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from store.arrivals import Clock

from grader.errors import StoreError
from grader.service import Site
from grader.service.foreman import SECOND_TRIES_S, SecondTries
from grader.service.limits import MOST_NAMES, Window
from grader.store.events import TeamSet
from grader.store.received import Inbox
from service.clients import Client, bundle

SPAN = timedelta(minutes=1)


def document(client: Client) -> dict[str, Any]:
    made: dict[str, Any] = client.get("/openapi.json").json()
    return made


def test_the_document_tells_every_problem_and_who_may_ask(client: Client) -> None:
    calls = {
        (path, method): call
        for path, methods in document(client)["paths"].items()
        for method, call in methods.items()
        if path.startswith("/api/")
    }

    assert len(calls) == 6
    for call in calls.values():
        assert call["security"] == [{"token": []}]
        problems = {
            code: answer
            for code, answer in call["responses"].items()
            if int(code) >= 400
        }
        assert {"401", "429", "503"} <= problems.keys()
        for answer in problems.values():
            assert list(answer["content"]) == ["application/problem+json"]
    assert calls["/api/v1/submissions", "post"]["requestBody"]["required"]


def test_the_document_has_examples_that_fit(client: Client) -> None:
    schemas = document(client)["components"]["schemas"]

    for name in ("Answer", "Answers", "Me"):
        (example,) = schemas[name]["examples"]
        assert example.keys() == schemas[name]["properties"].keys()
    problem = schemas["Problem"]
    assert problem["example"].keys() == problem["properties"].keys()


@pytest.mark.parametrize("why", ["closing", "workers", "store"])
def test_what_keeps_it_from_working_is_told_without_paths(
    client: Client, site: Site, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    assert client.get("/readyz").json() == {"ok": True, "problems": []}
    if why == "closing":
        site.closing.set()
    elif why == "workers":
        site.trouble = "no sandbox in /srv/secret"
    else:

        def fail(_: Inbox) -> None:
            msg = "the table of /srv/secret is locked"
            raise StoreError(msg)

        monkeypatch.setattr(Inbox, "probe", fail)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert len(answer.json()["problems"]) == 1
    assert "secret" not in answer.text
    assert client.get("/healthz").status_code == 200


def test_numbers_count_what_was_taken_in_and_name_nobody(client: Client) -> None:
    client.hand_in(client.token("ann"), bundle("ann"))

    text = client.get("/metrics").text

    assert 'grader_submissions{state="waiting"} 1.0' in text
    assert "grader_can_grade 1.0" in text
    assert "ann" not in text


def test_answers_are_neither_sniffed_nor_framed(client: Client) -> None:
    headers = client.get("/healthz").headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"


def test_what_we_failed_waits_again_later_and_later_and_not_for_ever(
    client: Client, site: Site
) -> None:
    client.hand_in(client.token("ann"), bundle("ann"))
    tries, now, waited = SecondTries(site), 0.0, []

    def fail() -> None:
        job = site.store.jobs.lease_received("worker")
        assert job is not None
        site.store.jobs.fail(job.key, "worker", "no sandbox")

    fail()
    tries.look(now)
    for wait_s in SECOND_TRIES_S:
        tries.look(now + wait_s - 1)
        assert site.store.inbox.counts() == {"failed": 1}
        now += wait_s
        tries.look(now)
        waited.append(site.store.inbox.counts())
        fail()
    tries.look(now + 10 * max(SECOND_TRIES_S))

    assert waited == [{"waiting": 1}] * len(SECOND_TRIES_S)
    assert site.store.inbox.counts() == {"failed": 1}


def test_a_window_forgets_what_is_old_and_who_was_quiet(clock: Clock) -> None:
    window = Window(2, SPAN)
    for _ in range(2):
        assert window.wait("ann", clock.now) == 0
        window.count("ann", clock.now)
        clock.forward(seconds=10)

    assert window.wait("ann", clock.now) == 40
    assert window.wait("ben", clock.now) == 0
    clock.forward(seconds=40)
    assert window.wait("ann", clock.now) == 0
    for number in range(MOST_NAMES + 1):
        window.count(f"{number}", clock.now)
    assert len(window._times) == MOST_NAMES


def test_a_team_that_is_made_while_it_runs_holds_at_once(
    client: Client, site: Site
) -> None:
    token = client.token("ann")
    assert client.hand_in(token, bundle()).json()["student"] == "ann"

    site.store.record("red", TeamSet(members=("ann",), by="me"))
    assert client.hand_in(token, bundle(text="y = 1\n")).json()["student"] == "red"

    site.store.forget("ann", by="me", reason="by request")
    assert site.spoken.person("ann", "one").teams == ()
