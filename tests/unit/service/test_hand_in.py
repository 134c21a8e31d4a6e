"""Handing in: what is taken, what is refused and how it is told."""

from __future__ import annotations

import gzip
import re
import shutil
from datetime import timedelta
from typing import Any

import pytest
from store.arrivals import START, Clock

from grader.errors import StoreError
from grader.intake import open_bytes
from grader.service import Site
from grader.service.answers import SINCE
from grader.store.access import Who
from grader.store.events import Extended, PolicySet, Submitted, TeamSet
from grader.store.received import Inbox
from service.clients import PATH, Client, bundle, graded, repr_digest


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """Return the problem that a response is, whole."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body.keys() == {"type", "title", "status", "code", "hint"}
    assert (body["status"], body["code"]) == (status, code)
    assert body["title"]
    assert body["hint"]
    return body


def test_a_submission_is_taken_in_whole(client: Client, site: Site) -> None:
    data = bundle("ann")

    answer = client.hand_in(client.token("ann"), data)

    assert answer.status_code == 201, answer.text
    told = answer.json()
    digest = open_bytes(data, label="").digest
    assert re.fullmatch("s-[A-Z2-7]{12}", told["id"])
    assert told == {
        "id": told["id"],
        "student": "ann",
        "round": "one",
        "digest": digest,
        "received_at": "2026-11-24T12:00:00Z",
        "new": True,
        "late_s": 0,
        "state": "waiting",
        "ahead": 0,
        "message": "",
        "notes": [],
        "earned": None,
        "points": None,
        "page": f"/me/submissions/{told['id']}",
    }
    assert site.store.source(digest) is not None
    (event,) = site.store.events()
    assert isinstance(event.payload, Submitted)
    assert (event.student, event.payload.at) == ("ann", START)


def test_the_same_again_is_the_first(client: Client, clock: Clock) -> None:
    token, data = client.token("ann"), bundle("ann")
    first = client.hand_in(token, data).json()
    clock.forward(minutes=5)

    # Packed otherwise it is still the same files.
    again = client.hand_in(token, gzip.compress(gzip.decompress(data), mtime=7))

    assert again.status_code == 200
    assert again.json() == first | {"new": False}


def test_the_same_after_another_says_that_it_is_not_the_latest(
    client: Client, clock: Clock
) -> None:
    token = client.token("ann")
    client.hand_in(token, bundle("ann"))
    clock.forward(minutes=5)
    client.hand_in(token, bundle("ann", text="y = 2\n"))

    again = client.hand_in(token, bundle("ann"))

    assert (again.status_code, again.json()["notes"]) == (200, [SINCE])


def test_who_waits_before_is_counted(client: Client) -> None:
    for name in ("ann", "ben"):
        client.hand_in(client.token(name), bundle(name))

    answer = client.hand_in(client.token("cem"), bundle("cem"))

    assert answer.json()["ahead"] == 2


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "token_missing"),
        ("", "token_missing"),
        ("Bearer", "token_missing"),
        ("Bearer  ", "token_missing"),
        ("Basic YW5uOmFubg==", "token_missing"),
        ("Bearer tt_" + "A" * 43, "token_unknown"),
        ("Bearer " + "x" * 5000, "token_unknown"),
    ],
)
def test_without_a_token_that_is_known_nothing_is_taken(
    client: Client, site: Site, header: str | None, code: str
) -> None:
    data = bundle("ann")
    headers = {"Repr-Digest": repr_digest(data)}
    if header is not None:
        headers["Authorization"] = header

    answer = client.post(PATH, content=data, headers=headers)

    problem(answer, 401, code)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert site.store.events() == ()


def test_an_expired_and_a_revoked_token_are_told_apart(
    client: Client, site: Site, clock: Clock
) -> None:
    who = Who("student", "ann")
    expired = site.store.access.issue("token", who, timedelta(days=1))
    clock.forward(days=2)
    problem(client.hand_in(expired, bundle("ann")), 401, "token_expired")

    revoked = client.token("ann")
    site.store.access.revoke(who)
    problem(client.hand_in(revoked, bundle("ann")), 401, "token_revoked")


def test_guesses_are_limited_and_a_valid_token_of_the_same_place_is_not(
    client: Client, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    codes = [client.get(PATH, headers=client.of(f"tt_{n}")) for n in range(31)]

    assert {c.json()["code"] for c in codes[:30]} == {"token_unknown"}
    problem(codes[30], 429, "rate_limited")
    told = [r for r in caplog.records if "a token that is unknown" in r.getMessage()]
    assert len(told) == 30  # a flood does not fill the log
    assert int(codes[30].headers["retry-after"]) == 300
    assert client.get(PATH, headers=client.of(client.token("ann"))).status_code == 200
    clock.forward(minutes=6)
    problem(client.get(PATH, headers=client.of("tt_x")), 401, "token_unknown")


def test_a_bundle_that_names_another_is_refused(client: Client, site: Site) -> None:
    body = problem(client.hand_in(client.token("ann"), bundle("ben")), 403, "not_yours")

    assert "ben" in body["title"]
    assert site.store.inbox.standing(students=["ann", "ben"]) == []


def test_a_bundle_that_names_nobody_is_of_the_token(client: Client) -> None:
    assert client.hand_in(client.token("ann"), bundle()).json()["student"] == "ann"


def test_staff_hand_nothing_in(client: Client) -> None:
    answer = client.hand_in(client.token("boss", "staff"), bundle())

    problem(answer, 403, "not_yours")


@pytest.mark.parametrize("named", ["ann", "ben", "red", ""])
def test_what_a_member_sends_is_the_teams(
    client: Client, site: Site, named: str
) -> None:
    site.store.record("red", TeamSet(members=("ann", "ben"), by="me"))

    told = client.hand_in(client.token("ann"), bundle(named)).json()

    assert told["student"] == "red"
    assert "team red" in told["notes"][0]
    mine = client.get(PATH, headers=client.of(client.token("ben"))).json()
    assert [one["id"] for one in mine["submissions"]] == [told["id"]]


def test_a_team_of_another_round_is_none_here(client: Client, site: Site) -> None:
    site.store.record("red", TeamSet(round="exam", members=("ann", "ben"), by="me"))
    token = client.token("ann")

    assert client.hand_in(token, bundle()).json()["student"] == "ann"
    assert client.hand_in(token, bundle(), round_="exam").json()["student"] == "red"


@pytest.mark.parametrize(
    "header",
    ["", "sha-256=:AAAA:", "md5=:AAAA:", "sha-256=" + "A" * 44, "x" * 10_000],
)
def test_an_upload_without_its_digest_is_refused(client: Client, header: str) -> None:
    answer = client.hand_in(
        client.token("ann"), bundle("ann"), headers={"Repr-Digest": header}
    )

    problem(answer, 400, "damaged")


def test_a_digest_among_others_is_found(client: Client) -> None:
    data = bundle("ann")
    header = f"sha-512=:AAAA:, {repr_digest(data)}"

    answer = client.hand_in(client.token("ann"), data, headers={"Repr-Digest": header})

    assert answer.status_code == 201


def test_a_damaged_upload_is_refused(client: Client, site: Site) -> None:
    data = bundle("ann")

    answer = client.hand_in(
        client.token("ann"), data[:-3], headers={"Repr-Digest": repr_digest(data)}
    )

    problem(answer, 400, "damaged")
    assert site.store.events() == ()


@pytest.mark.parametrize("told", [True, False])
def test_an_upload_that_is_too_large_is_not_read_to_its_end(
    client: Client, told: bool
) -> None:
    read = 0

    def parts() -> Any:
        nonlocal read
        for _ in range(64):
            read += 1 << 16
            yield b"x" * (1 << 16)

    headers = client.of(client.token("ann")) | {"Repr-Digest": repr_digest(b"")}
    content = b"x" * (4 << 20) if told else parts()
    answer = client.post(PATH, content=content, headers=headers)

    body = problem(answer, 413, "too_large")
    assert "1 MiB" in body["title"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"no archive", "no archive that can be read"),
        (gzip.compress(b"no tar", mtime=0), ""),
    ],
)
def test_what_is_no_submission_is_refused_with_a_reason(
    client: Client, data: bytes, said: str
) -> None:
    body = problem(client.hand_in(client.token("ann"), data), 422, "rejected")

    assert said in body["title"]


def test_an_unknown_round_is_told(client: Client) -> None:
    token = client.token("ann")

    body = problem(client.hand_in(token, bundle(), round_="two"), 404, "round_unknown")
    assert "exam, one" in body["hint"]
    answer = client.hand_in(token, bundle("ann", round_="two"))
    problem(answer, 404, "round_unknown")


def test_a_bundle_may_name_the_round(client: Client) -> None:
    answer = client.hand_in(client.token("ann"), bundle("ann", round_="exam"))

    assert answer.json()["round"] == "exam"


def test_more_than_may_be_is_refused_and_our_failures_are_free(
    client: Client, site: Site
) -> None:
    token = client.token("ann")
    for number in range(5):
        client.hand_in(token, bundle("ann", text=f"x = {number}\n"))

    answer = client.hand_in(token, bundle("ann", text="x = 5\n"))
    problem(answer, 429, "rate_limited")
    assert answer.headers["retry-after"] == "3600"
    assert client.hand_in(token, bundle("ann", text="x = 0\n")).status_code == 200

    job = site.store.jobs.lease_received("worker")
    assert job is not None
    site.store.jobs.fail(job.key, "worker", "no sandbox in /srv/secret")
    assert client.hand_in(token, bundle("ann", text="x = 5\n")).status_code == 201


def test_uploads_without_end_are_not_read(client: Client, clock: Clock) -> None:
    token = client.token("ann")
    for _ in range(50):
        problem(client.hand_in(token, b"x"), 422, "rejected")

    answer = client.hand_in(token, b"x")

    problem(answer, 429, "rate_limited")
    clock.forward(hours=1)
    problem(client.hand_in(token, b"x"), 422, "rejected")


@pytest.mark.parametrize("why", ["closing", "full", "store"])
def test_while_nothing_can_be_taken_in_that_is_told(
    client: Client, site: Site, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    token = client.token("ann")
    if why == "closing":
        site.closing.set()
    elif why == "full":
        usage = shutil.disk_usage("/")._replace(free=-1)
        monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    else:

        def fail(*_: object) -> None:
            msg = "the table of /srv/secret is locked"
            raise StoreError(msg)

        monkeypatch.setattr(Inbox, "receive", fail)

    answer = client.hand_in(token, bundle("ann"))

    problem(answer, 503, "busy")
    assert int(answer.headers["retry-after"]) > 0
    assert "secret" not in answer.text
    assert site.store.inbox.standing(students=["ann"]) == []


def test_lateness_is_told_with_grace_and_extension(
    client: Client, site: Site, clock: Clock
) -> None:
    due = START - timedelta(hours=1)
    policy = PolicySet(
        round="one", due_at=due, grace_s=600, per_day=0.1, closes_after_days=2, by="me"
    )
    site.store.record("", policy)

    told = client.hand_in(client.token("ann"), bundle("ann")).json()
    assert told["late_s"] == 3000
    assert told["notes"] == ["it came late: 10 % of what it earns will be taken off"]

    more = Extended(round="one", due_at=START + timedelta(hours=1), by="me")
    site.store.record("ben", more)
    told = client.hand_in(client.token("ben"), bundle("ben")).json()
    assert (told["late_s"], told["notes"]) == (0, [])

    clock.forward(days=3)
    told = client.hand_in(client.token("cem"), bundle("cem")).json()
    assert "counts as not sent" in told["notes"][0]


def test_what_is_graded_already_is_told_at_once(client: Client, site: Site) -> None:
    token, data = client.token("ann"), bundle("ann")
    told = client.hand_in(token, data).json()
    verdict = graded(site, "ann", data).verdict

    again = client.hand_in(token, data).json()

    assert (again["id"], again["new"], again["state"]) == (told["id"], False, "graded")
    assert (again["earned"], again["points"]) == (verdict.earned, verdict.points)
