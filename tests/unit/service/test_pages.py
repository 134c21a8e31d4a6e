"""Signing in, one's own pages, and the staff's desk, as a browser asks for them."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2 as httpx
import pytest
from reports.samples import everything, report
from reports.test_html_report import Page
from store.arrivals import START, Clock

from grader.errors import ConfigError
from grader.models.report import GradeReport
from grader.roster import Person
from grader.service import Site, create_app
from grader.service.access import COOKIE
from grader.service.mail import Post
from grader.service.pages import ROUTERS
from grader.service.pages.forms import BEFORE
from grader.store.access import Who, hash_of
from grader.store.events import Commented, PolicySet, RegradeSet, TeamSet
from grader.store.jobs import Wanted
from service.clients import Client, bundle, graded, result_of

ANN = Person("ann", "Ann Example", email="Ann@Example.edu", section="B2")


@pytest.fixture
def web(site: Site) -> Iterator[Client]:
    with Client(create_app(site, ROUTERS), site) as made:
        made.follow_redirects = False
        yield made


def form_of(answer: httpx.Response) -> str:
    found = re.search(r'name="form" value="([0-9a-f]{64})"', answer.text)
    assert found, answer.text[:500]
    return found[1]


def send(web: Client, path: str, at: str = "", **fields: str) -> httpx.Response:
    """Fill in the form of the page `at` and send it to `path`."""
    token = form_of(web.get(at or path))
    return web.post(path, data={"form": token, **fields})


def sign_in(web: Client, name: str = "ann", role: Any = "student") -> None:
    done = send(web, "/sign-in", token=web.token(name, role))
    assert done.status_code == 303, done.text
    assert done.headers["location"] == ("/me" if role == "student" else "/staff")


def words(answer: httpx.Response) -> str:
    assert answer.headers["content-type"].startswith("text/html")
    return Page(answer.text).text()


def test_a_token_signs_in_by_a_cookie_that_scripts_cannot_read(
    web: Client, site: Site
) -> None:
    before = send(web, "/sign-in", token=web.token("ann"))
    cookie = next(
        c for c in before.headers.get_list("set-cookie") if c.startswith(COOKIE)
    )

    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    secret = web.cookies[COOKIE]
    assert site.store.access.find("session", secret) is not None
    assert {c.hash for c in site.store.access.all("session")} == {hash_of(secret)}
    assert BEFORE not in web.cookies


def test_cookies_go_over_tls_alone_but_for_loopback(web: Client, site: Site) -> None:
    site.settings = replace(site.settings, secure=True)

    assert "; Secure" in web.get("/sign-in").headers["set-cookie"]


@pytest.mark.parametrize("token", ["", "tt_nothing", "x" * 5000, "\u00e4", "tl_x"])
def test_a_wrong_token_is_told_and_signs_nobody_in(web: Client, token: str) -> None:
    done = send(web, "/sign-in", token=token)

    assert done.status_code == 401
    assert "This token is not known here." in words(done)
    assert COOKIE not in web.cookies
    assert "x" * 50 not in done.text


def test_a_revoked_token_and_too_many_guesses_say_so(web: Client, site: Site) -> None:
    token = web.token("ann")
    site.store.access.revoke(Who("student", "ann"))

    assert "This token was revoked." in words(send(web, "/sign-in", token=token))
    wrong = {"token": "tt_no"}
    for _ in range(40):
        done = send(web, "/sign-in", **wrong)
    assert done.status_code == 429


def test_a_form_from_elsewhere_is_refused(web: Client) -> None:
    token = web.token("ann")
    right = form_of(web.get("/sign-in"))

    for form, headers in (
        ("", {}),
        ("0" * 64, {}),
        ("\u00e4", {}),
        (right, {"sec-fetch-site": "cross-site"}),
        (right, {"sec-fetch-site": "same-site"}),
    ):
        data = {"token": token, "form": form}
        done = web.post("/sign-in", data=data, headers=headers)
        assert done.status_code == 403, (form, headers)
        assert "This form is old, or not from this site" in words(done)
    web.cookies.clear()
    assert web.post("/sign-in", data={"token": token, "form": right}).status_code == 403


def test_a_form_of_another_session_is_refused(web: Client) -> None:
    sign_in(web, "ann")
    anns = form_of(web.get("/me"))
    web.cookies.clear()
    sign_in(web, "bob")

    assert web.post("/sign-out", data={"form": anns}).status_code == 403
    assert web.get("/me").status_code == 200


def test_a_form_is_small(web: Client) -> None:
    web.get("/sign-in")
    assert web.post("/sign-in", content=b"a=" + b"b" * 20_000).status_code == 413


def test_signing_out_ends_the_session_on_the_server(web: Client, site: Site) -> None:
    sign_in(web)
    secret = web.cookies[COOKIE]

    send(web, "/sign-out", at="/me")
    web.cookies.set(COOKIE, secret)

    assert web.get("/me").headers["location"].startswith("/sign-in")


def test_a_link_is_used_by_the_button_and_once(web: Client, site: Site) -> None:
    link = site.store.access.issue("link", Who("student", "ann"), timedelta(hours=1))
    address = f"/sign-in?link={link}"
    for _ in range(3):
        assert web.get(address).status_code == 200
    assert COOKIE not in web.cookies

    used = send(web, "/sign-in/link", at=address, link=link)
    assert (used.status_code, used.headers["location"]) == (303, "/me")
    web.cookies.clear()
    again = send(web, "/sign-in/link", at=address, link=link)
    assert again.status_code == 401
    assert "used already" in words(again)


def test_who_was_sent_to_sign_in_comes_back(web: Client) -> None:
    asked = web.get("/me/submissions/s-AAAAAAAAAAAA")
    assert asked.headers["location"] == "/sign-in?next=/me/submissions/s-AAAAAAAAAAAA"
    page = web.get(asked.headers["location"])
    assert 'value="/me/submissions/s-AAAAAAAAAAAA"' in page.text

    back = {"token": web.token("ann"), "form": form_of(page)}
    done = web.post("/sign-in", data=back | {"next": "/me/submissions/s-AAAAAAAAAAAA"})
    assert done.headers["location"] == "/me/submissions/s-AAAAAAAAAAAA"


@pytest.mark.parametrize(
    "next_", ["//evil.example", "https://evil.example", "/me/../x?y", "/staff", "\\x"]
)
def test_nobody_is_sent_elsewhere(web: Client, next_: str) -> None:
    done = send(web, "/sign-in", token=web.token("ann"), next=next_)

    assert done.headers["location"] == "/me"


class _Mails(socketserver.StreamRequestHandler):
    """Takes mails in, as far as SMTP of one mail at a time goes."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        data = False
        for line in self.rfile:
            if data:
                data = line != b".\r\n"
                self.server.got.append(line)  # type: ignore[attr-defined]
                if not data:
                    self.wfile.write(b"250 kept\r\n")
            elif line.upper().startswith(b"DATA"):
                data = True
                self.wfile.write(b"354 go on\r\n")
            elif line.upper().startswith(b"QUIT"):
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 fine\r\n")


@pytest.fixture
def mails(site: Site) -> Iterator[list[bytes]]:
    """What the mail server of the service was sent; Ann is on the roster."""
    got: list[bytes] = []
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mails) as server:
        server.got = got  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        post = Post.of(
            {
                "GRADER_SMTP": f"smtp://127.0.0.1:{server.server_address[1]}",
                "GRADER_MAIL_FROM": "grader@school.example",
            }
        )
        address = "https://grader.example.org/"
        site.settings = replace(site.settings, post=post, address=address)
        site.store.people.put([ANN])
        yield got
        server.shutdown()


def test_a_link_comes_by_mail_and_signs_in(web: Client, mails: list[bytes]) -> None:
    told = send(web, "/sign-in/mail", at="/sign-in", email="ann@example.EDU ")
    text = b"".join(mails).decode().replace("=\r\n", "").replace("=3D", "=")
    link = re.search(r"https://grader\.example\.org/sign-in\?link=(tl_\S+)", text)

    assert told.status_code == 200
    assert "To: Ann@Example.edu" in text
    assert link
    done = send(web, "/sign-in/link", at="/sign-in", link=link[1])
    assert done.headers["location"] == "/me"


def test_the_answer_is_the_same_for_an_unknown_address(
    web: Client, mails: list[bytes]
) -> None:
    known = send(web, "/sign-in/mail", at="/sign-in", email="ann@example.edu")
    sent = len(mails)
    other = send(web, "/sign-in/mail", at="/sign-in", email="eve@example.edu")

    assert sent > 5
    assert len(mails) == sent
    assert known.text.replace("ann@", "eve@") == other.text
    assert known.status_code == other.status_code == 200


def test_one_address_gets_few_mails(web: Client, mails: list[bytes]) -> None:
    for _ in range(6):
        send(web, "/sign-in/mail", at="/sign-in", email="ann@example.edu")

    assert b"".join(mails).count(b"Subject:") == 3


def test_without_a_mail_server_there_is_no_such_form(web: Client) -> None:
    page = web.get("/sign-in")

    assert "e-mail" not in words(page)
    assert "Ask the staff" in words(page)
    done = send(web, "/sign-in/mail", at="/sign-in", email="ann@example.edu")
    assert done.status_code == 404


def hand_in(web: Client, name: str = "ann", **more: Any) -> str:
    id_: str = web.hand_in(web.token(name), bundle(name, **more)).json()["id"]
    return id_


def test_my_page_shows_what_waits_and_then_what_to_do(web: Client, site: Site) -> None:
    sign_in(web)
    assert "Nothing handed in so far" in words(web.get("/me"))
    id_ = hand_in(web)
    waiting = web.get("/me")

    assert "next in line" in words(waiting)
    assert f'data-follow="/api/v1/submissions/{id_}/events"' in waiting.text
    assert "script-src 'sha256-" in waiting.headers["content-security-policy"]
    assert '<noscript><meta http-equiv="refresh"' in waiting.text

    graded(site, "ann", bundle("ann"))
    done = web.get("/me")
    assert "Do this next" in words(done)
    assert "<script" not in done.text
    assert "script-src" not in done.headers["content-security-policy"]
    assert f'href="/me/submissions/{id_}"' in done.text


def test_a_submission_has_its_own_page(web: Client, site: Site) -> None:
    sign_in(web)
    id_ = hand_in(web)
    graded(site, "ann", bundle("ann"))
    hand_in(web, text="y = 2\n")
    text = words(web.get(f"/me/submissions/{id_}"))

    assert "graded" in text
    assert "Checks" in text


def test_what_was_rejected_says_why(web: Client, site: Site) -> None:
    sign_in(web)
    id_ = hand_in(web)
    job = site.store.jobs.lease_received("worker")
    assert job
    site.store.jobs.refuse(job.key, "worker", "there is no folder tinytorch/")

    text = words(web.get(f"/me/submissions/{id_}"))
    assert "There is no folder tinytorch/." in text


def test_nobody_sees_what_is_another_s(web: Client, site: Site) -> None:
    hers = hand_in(web, "ann")
    graded(site, "ann", bundle("ann"))
    site.store.record("ann", Commented(round="one", text="only for ann", by="T"))
    sign_in(web, "bob")

    assert web.get(f"/me/submissions/{hers}").status_code == 404
    assert "only for ann" not in web.get("/me").text
    for path in ("", "/students", "/students/ann", "/overview", "/regrades/fix"):
        assert web.get(f"/staff{path}").status_code == 404
    for path in ("/again", "/regrades/fix/apply", "/regrades/fix/cancel"):
        assert send(web, f"/staff{path}", at="/me", state="failed").status_code == 404


def test_nobody_sees_anything_without_signing_in(web: Client) -> None:
    for path in ("/me", "/staff", "/staff/students", "/staff/overview"):
        done = web.get(path)
        assert (done.status_code, done.headers["location"][:9]) == (303, "/sign-in?")


def test_an_open_final_round_shows_points_alone(web: Client, site: Site) -> None:
    sign_in(web)
    data = bundle("ann", round_="exam")
    web.hand_in(web.token("ann"), data, round_="exam")
    graded(site, "ann", data, round="exam", round_kind="final")

    text = words(web.get("/me"))
    assert "Points are shown now" in text
    assert "docstring" not in text
    sign_in_as_staff(web)
    assert "docstring" in words(web.get("/staff/students/ann"))


def sign_in_as_staff(web: Client) -> None:
    web.cookies.clear()
    sign_in(web, "A. Teacher", "staff")


def test_a_policy_and_a_comment_reach_my_page(web: Client, site: Site) -> None:
    sign_in(web)
    due = START + timedelta(days=1)
    site.store.record("", PolicySet(round="one", due_at=due, by="T", keep="best"))
    hand_in(web)
    graded(site, "ann", bundle("ann"))
    site.store.record("ann", Commented(round="one", text="well done", by="T"))

    text = words(web.get("/me"))
    assert "due 2026-11-25 12:00 UTC" in text
    assert "the best attempt counts" in text
    assert "well done" in text
    assert "in time" in text


def test_a_team_s_work_is_on_both_pages(web: Client, site: Site) -> None:
    site.store.record("red", TeamSet(members=("ann", "bob"), by="T"))
    data = bundle("ann")
    web.hand_in(web.token("ann"), data)
    graded(site, "red", data)
    sign_in(web, "bob")

    assert "team red" in words(web.get("/me"))


def unclear(site: Site, student: str, data: bytes) -> GradeReport:
    job = site.store.jobs.lease_received("worker")
    assert job
    made = result_of(student, data)
    full = report(student, modules=everything(), milestones=())
    verdict = dict(full.verdict) | {
        "submission": made.verdict.submission,
        "round": "one",
    }
    graded_ = GradeReport(**{**dict(full), "verdict": type(full.verdict)(**verdict)})
    assert site.store.jobs.accept(job.key, "worker", graded_)
    return graded_


def test_the_desk_shows_what_needs_staff_and_grades_it_again(
    web: Client, site: Site
) -> None:
    site.store.people.put([ANN])
    hand_in(web, "ann")
    unclear(site, "ann", bundle("ann"))
    failed = hand_in(web, "bob")
    job = site.store.jobs.lease_received("worker")
    assert job
    site.store.jobs.fail(job.key, "worker", "the engine does not answer")
    hand_in(web, "zoe")
    sign_in_as_staff(web)
    text = words(web.get("/staff"))

    assert "the host ran out of memory (losses::mse)" in text
    assert "the engine does not answer" in text
    assert "Ann Example" in text
    done = send(web, "/staff/again", at="/staff", state="failed", id=failed)
    assert done.headers["location"] == "/staff"
    assert site.store.inbox.counts() == {"unclear": 1, "waiting": 2}
    send(web, "/staff/again", at="/staff", state="unclear")
    assert site.store.inbox.counts() == {"waiting": 3}
    assert send(web, "/staff/again", at="/staff", state="graded").status_code == 400


def planned(site: Site) -> None:
    data = bundle("ann")
    site.store.record("", RegradeSet(name="fix", state="planned", round="one", by="T"))
    site.store.jobs.want([Wanted("sha256:job", "kept", "ann", "fix")])
    assert site.store.jobs.lease(["sha256:job"], "me")
    better = result_of("ann", data, earned=1.0)
    assert site.store.jobs.accept("sha256:job", "me", better)


def test_a_regrade_set_is_looked_at_and_applied(web: Client, site: Site) -> None:
    hand_in(web)
    graded(site, "ann", bundle("ann"))
    planned(site)
    sign_in_as_staff(web)
    assert "fix" in words(web.get("/staff"))
    shown = web.get("/staff/regrades/fix")

    assert "-56.08" in words(shown)
    done = send(web, "/staff/regrades/fix/apply", at="/staff/regrades/fix", reason="r")
    assert done.headers["location"] == "/staff"
    (applied,) = [
        e.payload
        for e in site.store.events(kinds=["regrade"])
        if isinstance(e.payload, RegradeSet) and e.payload.state == "applied"
    ]
    assert (applied.by, applied.reason) == ("A. Teacher", "r")
    twice = send(web, "/staff/regrades/fix/cancel", at="/staff/regrades/fix")
    assert twice.status_code == 409
    assert "was applied already" in words(twice)


def test_a_regrade_set_is_cancelled(web: Client, site: Site) -> None:
    hand_in(web)
    graded(site, "ann", bundle("ann"))
    planned(site)
    sign_in_as_staff(web)
    before = site.store.export().results
    send(web, "/staff/regrades/fix/cancel", at="/staff/regrades/fix")

    assert site.store.export().results == before
    assert "1 ended" in words(web.get("/staff"))


def test_the_class_and_its_students_are_shown(web: Client, site: Site) -> None:
    site.store.people.put([ANN, Person("zoe", "Zoe <b>Last</b>")])
    hand_in(web)
    graded(site, "ann", bundle("ann"))
    sign_in_as_staff(web)
    text = words(web.get("/staff/students"))

    assert "Zoe <b>Last</b> zoe" in text
    assert "57.08" in text
    shown = web.get("/staff/overview")
    assert "Overview of one" in words(shown)
    assert 'href="/staff"' in shown.text
    assert 'href="/staff/students"' in shown.text
    assert "For staff" in words(web.get("/staff/students/zoe"))
    assert web.get("/staff/students/nobody").status_code == 404


def test_the_overview_of_an_empty_course_says_so(web: Client) -> None:
    sign_in_as_staff(web)

    empty = web.get("/staff/overview")
    assert empty.status_code == 409
    assert "store has no result" in words(empty)
    assert web.get("/staff/students").status_code == 200


def test_sessions_end_with_time_and_with_the_token(
    web: Client, site: Site, clock: Clock
) -> None:
    sign_in(web)
    clock.forward(days=13)
    assert web.get("/me").status_code == 200
    site.store.access.revoke(Who("student", "ann"))
    assert web.get("/me").status_code == 303

    sign_in_as_staff(web)
    clock.forward(hours=13)
    assert web.get("/staff").status_code == 303


def test_the_bare_address_leads_to_the_pages(web: Client) -> None:
    assert web.get("/").headers["location"] == "/sign-in"


def test_pages_are_behind_a_strict_policy_and_no_part_of_the_api(web: Client) -> None:
    page = web.get("/sign-in")
    policy = page.headers["content-security-policy"]

    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert page.headers["cache-control"] == "no-store"
    assert not any(
        "/me/" in p or "sign" in p for p in web.get("/openapi.json").json()["paths"]
    )


def test_under_a_path_all_links_and_cookies_stay_there(web: Client, site: Site) -> None:
    site.settings = replace(site.settings, root_path="/grader")
    page = web.get("/sign-in")

    assert "Path=/grader" in page.headers["set-cookie"]
    assert 'action="/grader/sign-in"' in page.text
    assert web.get("/me").headers["location"] == "/grader/sign-in?next=/me"


@pytest.mark.parametrize(
    "text", ["imap://x", "smtp://", "smtp://h:99999", "smtp://h:25"]
)
def test_a_wrong_mail_server_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(ConfigError):
        Post.of({"GRADER_SMTP": text})


def test_a_mail_server_as_it_is_written() -> None:
    post = Post.of(
        {
            "GRADER_SMTP": "smtps://u%40x:p%2Fw@mail.example",
            "GRADER_MAIL_FROM": "g@school.example",
        }
    )

    assert post is not None
    assert (post.host, post.port, post.tls) == ("mail.example", 465, True)
    assert (post.user, post.password) == ("u@x", "p/w")
    assert "p/w" not in repr(post)
    assert Post.of({}) is None
