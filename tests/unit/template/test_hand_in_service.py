"""Handing in to the course's service: every answer, good or bad, is told and kept."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import pty
import shutil
import socket
import ssl
import subprocess
import sys
import tarfile
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from handing_in import kept, receipts, submit, write
from pretend_service import (
    TOKEN,
    Misbehave,
    Pretended,
    cut,
    cut_after,
    pretend,
    problem,
    redirect,
    says,
    truncated,
)
from tito import line
from tito_here import TEMPLATE, tito_here
from tito_students import one_error


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path / "project", __init__="", tensor="x = 1\n")


@pytest.fixture
def service() -> Iterator[Pretended]:
    with pretend() as found:
        yield found


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return how long it would have waited; nothing is waited for."""
    found: list[float] = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


@pytest.fixture
def nowhere() -> str:
    """Return an address of this machine where nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


# Handed in


def test_what_is_acknowledged_is_told_and_its_receipt_kept(
    project: Path, service: Pretended
) -> None:
    done = submit(project, service, "--round", "week-1")

    assert (done.returncode, done.stderr) == (0, "")
    (asked,) = service.posts
    assert asked.path == "/api/v1/submissions?round=week-1"
    assert asked.headers["content-type"] == "application/gzip"
    (told,) = receipts(project)
    assert f"id       {told['id']}\n" in done.stdout
    assert "received 2026-11-24 00:10:00 UTC, in time\n" in done.stdout
    assert "state    waiting; 3 wait before it\n" in done.stdout
    assert f"page     {service.url}/me/submissions/{told['id']}\n" in done.stdout
    assert "next     tito status --wait\n" in done.stdout
    assert told["digest"] in done.stdout
    assert told["answer"]["state"] == "waiting"
    assert told["made_at"] <= told["handed_in_at"]
    assert kept(project) == []


def test_what_is_late_and_what_that_means_is_told(
    project: Path, service: Pretended
) -> None:
    submit(project, service)
    service.change(late_s=7380, notes=["It counts 10 % less.", "Day 1 of 3."])
    done = submit(project, service)

    assert "received 2026-11-24 00:10:00 UTC, 2 h 3 min late\n" in done.stdout
    assert "note     It counts 10 % less.\nnote     Day 1 of 3.\n" in done.stdout


def test_the_same_again_is_said_and_kept_once(
    project: Path, service: Pretended
) -> None:
    submit(project, service)
    done = submit(project, service)

    assert done.returncode == 0
    assert "exactly this was handed in before" in done.stdout
    assert len(service.rows) == len(receipts(project)) == 1


def test_files_that_are_not_taken_are_named(project: Path, service: Pretended) -> None:
    for number in range(7):
        (project / "tinytorch" / f"w{number}.npz").write_bytes(b"1")
    (project / "tinytorch" / ".cache").write_bytes(b"1")
    done = submit(project, service)

    assert "left out tinytorch/w0.npz: only Python files are handed in" in done.stdout
    assert "left out 2 more files" in done.stdout
    assert ".cache" not in done.stdout


def test_what_the_service_says_reaches_the_terminal_as_text(
    project: Path, service: Pretended
) -> None:
    submit(project, service)
    service.change(notes=["\x1b[2J\nid       s-forged"], message="\x07" + "m" * 999)
    done = submit(project, service)

    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout
    assert "\nid       s-forged" not in done.stdout
    assert len(done.stdout) < 2000


def test_the_course_says_where_to(project: Path, service: Pretended) -> None:
    (project / "tito").mkdir()
    course = {"submit": {"to": service.url}}
    (project / "tito" / "course.json").write_text(json.dumps(course))
    words = ("submit", "--skip-tests", "--student", "ada")
    done = tito_here(project, *words, TINYTORCH_TOKEN=TOKEN)
    assert (done.returncode, len(service.rows)) == (0, 1)

    inbox = project / "inbox"
    inbox.mkdir()
    tito_here(project, *words, SUBMIT_TO=str(inbox))
    assert (len(list(inbox.iterdir())), len(service.posts)) == (1, 1)


@pytest.mark.parametrize("submit", [[], "x", {"to": 3}, {"to": "git", "remote": None}])
def test_a_damaged_course_file_is_said(project: Path, submit: object) -> None:
    (project / "tito").mkdir()
    (project / "tito" / "course.json").write_text(json.dumps({"submit": submit}))
    done = tito_here(project, "submit", "--skip-tests", "--student", "ada")

    assert one_error(done)[0] == "tito/course.json is damaged: submit"
    assert done.returncode == 1


# Refused


@pytest.mark.parametrize(
    ("mood", "code", "says", "hint"),
    [
        (problem(401, "token_missing"), 1, "did not get your token", "tito login"),
        (problem(401, "token_unknown"), 1, "does not know your token", "tito login"),
        (problem(401, "token_expired"), 1, "has expired", "tito login"),
        (problem(401, "token_revoked"), 1, "was withdrawn", "tito login"),
        (problem(429, "rate_limited", Retry_After="3600"), 3, "60 min 00 s", "queued"),
        (problem(503, "busy", Retry_After="120"), 3, "takes nothing", "queued"),
        (problem(400, "damaged"), 3, "damaged on the way", "queued"),
        (problem(400, "invalid"), 1, "cannot make sense", "Is the id right?"),
        (problem(418, "tea", title="No\n tea."), 1, "127.0.0.1: No tea.", "a hint of"),
        (says(b"<h1>Not found</h1>", 404, "text/html"), 1, "is not the course's", "--"),
        (says(b"<h1>Hello</h1>"), 3, "is not what the course's service", "sign in"),
        (says(b"[" * 5000), 3, "is not what the course's service", "address"),
        (says(b'{"id": "s-1", "digest": "sha256:0"}'), 3, "something else", "course"),
        (says(b'{"id": "../../x"}'), 3, "is not what the course's service", "address"),
        (redirect("https://elsewhere.example/"), 1, "on to elsewhere.example", "--to"),
        (redirect("http://[", 301), 1, "an odd place", "--to"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_was_not_taken_is_kept_with_one_clear_sentence(
    project: Path,
    service: Pretended,
    mood: Misbehave,
    *,
    code: int,
    says: str,
    hint: str,
) -> None:
    service.moods = [mood]
    done = submit(project, service)

    sentence, todo = one_error(done)
    assert says in sentence
    assert hint in todo
    assert done.returncode == code
    assert len(kept(project)) == 1
    assert "kept     package " in done.stdout
    assert "next     as soon as you are online: tito submit --queued" in done.stdout
    assert "What counts is when it arrives there" in done.stdout
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("mood", "says", "hint"),
    [
        (problem(403, "not_yours"), "belongs to somebody else", ".student"),
        (problem(404, "round_unknown"), "no round of that name", "--round"),
        (problem(413, "too_large"), "larger than the service takes", "source only"),
        (problem(422, "rejected", title="a.py is a link"), "a.py is a link", "a hint"),
    ],
)
def test_what_will_never_be_taken_does_not_wait(
    project: Path, service: Pretended, mood: Misbehave, says: str, hint: str
) -> None:
    service.moods = [mood]
    done = submit(project, service)

    sentence, todo = one_error(done)
    assert says in sentence
    assert hint in todo
    assert (done.returncode, kept(project), receipts(project)) == (1, [], [])
    (aside,) = (project / ".tinytorch" / "refused").iterdir()
    assert aside.name in done.stdout


def test_another_students_bundle_and_an_unknown_round(
    project: Path, service: Pretended
) -> None:
    """As the service itself judges them."""
    service.student = "grace"
    assert "somebody else" in submit(project, service).stderr
    service.student = "ada"
    assert "no round" in submit(project, service, "--round", "nowhere").stderr
    assert service.rows == {}


# Patience


@pytest.mark.parametrize("mood", [cut, truncated, problem(500, ""), cut_after])
def test_a_failed_try_is_tried_again_and_counts_once(
    project: Path, service: Pretended, waits: list[float], mood: Misbehave
) -> None:
    service.moods = [mood, mood]
    done = submit(project, service)

    assert (done.returncode, done.stderr) == (0, "")
    assert waits == [1.0, 2.0]
    assert done.stdout.count("waiting  ") == 2
    assert len(service.rows) == len(receipts(project)) == 1
    assert len({asked.body for asked in service.posts}) == 1


def test_a_busy_service_says_how_long_to_wait(
    project: Path, service: Pretended, waits: list[float]
) -> None:
    when = "Wed, 21 Oct 2015 07:28:00 GMT"
    service.moods = [
        problem(503, "busy", Retry_After="5"),
        problem(429, "rate_limited", Retry_After=when),
    ]
    done = submit(project, service)

    assert (done.returncode, waits) == (0, [5.0, 2.0])


def test_a_service_that_stays_silent_is_not_waited_for_forever(
    project: Path, service: Pretended, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "SILENCE_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        done = submit(project, f"http://127.0.0.1:{deaf.getsockname()[1]}")

    assert "no answer came in time" in one_error(done)[0]
    assert (done.returncode, len(kept(project))) == (3, 1)


def test_an_answer_without_end_is_cut(
    project: Path, service: Pretended, waits: list[float]
) -> None:
    service.moods = [says(b" " * (2 << 20))] * 4
    done = submit(project, service)

    assert "does not answer as a web server does" in one_error(done)[0]
    assert (done.returncode, waits) == (3, [1.0, 2.0, 4.0])


def test_an_answer_before_all_was_read_is_the_answer(
    project: Path, service: Pretended
) -> None:
    """Who refuses at once and hangs up has refused, not failed."""

    def refuse(server: socket.socket) -> None:
        connection, _ = server.accept()
        connection.recv(100)
        body = b'{"code": "too_large", "status": 413}'
        head = (
            "HTTP/1.1 413 Too Large\r\nContent-Type: application/problem+json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 16):
            pass
        connection.close()

    (project / "tinytorch" / "big.py").write_bytes(
        b"# " + os.urandom(100_000).hex().encode()
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=refuse, args=(server,))
        thread.start()
        done = submit(project, f"http://127.0.0.1:{server.getsockname()[1]}")
        thread.join()

    assert "larger than the service takes" in one_error(done)[0]


# Offline, and what waits


def test_what_cannot_go_now_goes_later_in_order(
    project: Path, service: Pretended, nowhere: str
) -> None:
    port = service.url.rpartition(":")[2]
    away = submit(project, nowhere)
    assert away.returncode == 3
    assert "nothing answers there" in one_error(away)[0]
    write(project, tensor="x = 2\n")
    submit(project, nowhere)
    submit(project, nowhere)  # the same again waits once
    assert len(kept(project)) == 2
    assert service.posts == []

    write(project, tensor="x = 3\n")
    for place in kept(project):  # the service is back, at the address that was meant
        about = json.loads((place / "about.json").read_text())
        about["to"] = f"http://127.0.0.1:{port}"
        (place / "about.json").write_text(json.dumps(about))
    done = submit(project, service)

    assert (done.returncode, done.stderr, kept(project)) == (0, "", [])
    sent = [json.loads(_manifest(asked.body))["digest"] for asked in service.posts]
    packed = sorted(receipts(project), key=lambda r: sent.index(r["digest"]))
    assert [r["digest"] for r in packed] == sent
    assert len(set(sent)) == 3
    assert [r["made_at"] for r in packed] == sorted(r["made_at"] for r in packed)
    assert done.stdout.count("sent     package ") == 2
    assert done.stdout.index("sent     package ") < done.stdout.index("id       ")


def _manifest(body: bytes) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        handle = tar.extractfile("manifest.json")
        assert handle is not None
        return handle.read()


def test_only_what_is_kept(project: Path, service: Pretended, nowhere: str) -> None:
    words = ("submit", "--queued")
    nothing = tito_here(project, *words)
    assert (nothing.returncode, "nothing is kept here" in nothing.stdout) == (0, True)

    submit(project, nowhere)
    write(project, tensor="def f(:\n")  # what is here now does not matter
    again = tito_here(project, *words, TINYTORCH_TOKEN=TOKEN)
    assert (again.returncode, len(kept(project))) == (3, 1)
    done = tito_here(project, *words, "--to", service.url, TINYTORCH_TOKEN=TOKEN)
    assert (done.returncode, kept(project), len(service.rows)) == (0, [], 1)
    assert re_id(receipts(project)[0]["id"]) in done.stdout


def test_what_is_kept_may_go_another_way(project: Path, nowhere: str) -> None:
    submit(project, nowhere)
    words = ("submit", "--queued", "--to")
    git = tito_here(project, *words, "git")
    assert "was not packed from a commit" in one_error(git)[0]
    inbox = project / "inbox"
    inbox.mkdir()
    done = tito_here(project, *words, str(inbox))

    assert (done.returncode, kept(project), len(list(inbox.iterdir()))) == (0, [], 1)
    assert receipts(project)[0]["to"] == str(inbox)


def re_id(id_: str) -> str:
    return f": {id_}, received 2026-11-24 00:10:00 UTC"


def test_what_is_refused_makes_way_for_the_next(
    project: Path, service: Pretended
) -> None:
    service.moods = [problem(401, "token_expired")]
    submit(project, service)
    write(project, tensor="x = 2\n")
    no = problem(422, "rejected", title="No.")
    service.moods = [no, no]  # before the package is looked at, and after
    done = submit(project, service)

    assert done.returncode == 1  # something was not handed in
    assert one_error(done)[0] == "No."
    assert "refused  package " in done.stdout
    assert (len(service.rows), kept(project)) == (1, [])


def test_a_place_that_is_away_is_asked_once(
    project: Path, service: Pretended, nowhere: str, waits: list[float]
) -> None:
    for number in range(3):
        write(project, tensor=f"x = {number}\n")
        service.moods = [problem(401, "token_expired")]
        submit(project, service)
    submit(project, service, "--queued")
    assert len(service.rows) == 3

    for number in range(3, 5):
        write(project, tensor=f"x = {number}\n")
        submit(project, nowhere)
    waits.clear()
    done = tito_here(project, "submit", "--queued", TINYTORCH_TOKEN=TOKEN)
    assert (done.returncode, waits) == (3, [1.0, 2.0, 4.0])
    assert done.stdout.count("kept     ") == 2


def test_ctrl_c_while_it_waits_loses_nothing(
    project: Path, nowhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    done = submit(project, nowhere)

    assert (done.returncode, done.stderr) == (130, "interrupted\n")
    assert "not handed in yet" in done.stdout
    assert len(kept(project)) == 1


def test_a_full_disk_leaves_no_half_bundle(
    project: Path, service: Pretended, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    submit(project, service)
    write(project, tensor="x = 2\n")
    monkeypatch.setattr(os, "fsync", full)
    done = submit(project, service)

    assert "No space left on device" in one_error(done)[0]
    assert (done.returncode, kept(project), len(service.posts)) == (1, [], 1)


def test_what_was_acknowledged_is_told_even_without_a_place_for_its_receipt(
    project: Path, service: Pretended
) -> None:
    (project / ".tinytorch").mkdir()
    (project / ".tinytorch" / "receipts").write_text("in the way")
    done = submit(project, service)

    assert "it is handed in, but the receipt has no place" in done.stdout
    assert f"id       {next(iter(service.rows))}\n" in done.stdout
    assert (done.returncode, kept(project)) == (0, [])


@pytest.mark.parametrize("name", ["about.json", "ada.tinytorch.tar.gz"])
def test_what_is_damaged_is_said_and_left(
    project: Path, service: Pretended, nowhere: str, name: str
) -> None:
    submit(project, nowhere)
    (place,) = kept(project)
    (place / name).write_bytes(b"{}")
    write(project, tensor="x = 2\n")
    done = submit(project, service)

    assert f"{place.name} is damaged and was left" in done.stdout
    assert (done.returncode, len(service.rows), kept(project)) == (0, 1, [place])


# The token


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("http://grader.example.org", "is not encrypted"),
        ("http://127.0.0.1.example.org", "is not encrypted"),
        ("https://", "no address"),
        ("https://ada:secret@grader.example.org", "no address"),
        ("https://grader.example.org/?x=1", "no address"),
        ("https://grader.example.org:port", "no address"),
    ],
)
def test_an_address_that_is_none_or_open_to_all_is_refused(
    project: Path, address: str, says: str
) -> None:
    done = submit(project, address)

    assert says in one_error(done)[0]
    assert "secret" not in done.stdout + done.stderr
    assert (done.returncode, kept(project)) == (1, [])


def test_login_tries_the_token_and_stores_it(project: Path, service: Pretended) -> None:
    subprocess.run(["git", "init", "-q", str(project)], check=True)
    done = tito_here(project, "login", "--to", service.url, given=f"{TOKEN}\n")

    assert (done.returncode, done.stderr) == (0, "")
    assert "hello    Ada L., student ada" in done.stdout
    assert "round    week-1, due 2026-11-30 12:00:00 UTC" in done.stdout
    assert (project / ".student").read_text() == "ada\n"
    path = project / ".tinytorch" / "token"
    assert (path.read_text(), path.stat().st_mode & 0o777) == (f"{TOKEN}\n", 0o600)
    ignored = ["git", "-C", str(project), "check-ignore", "-q", str(path)]
    assert subprocess.run(ignored, check=False).returncode == 0

    words = ("submit", "--skip-tests", "--to", service.url)
    handed = tito_here(project, *words)
    assert (handed.returncode, len(service.rows)) == (0, 1)
    assert TOKEN not in done.stdout + handed.stdout + handed.stderr
    assert not [
        p
        for p in project.rglob("*")
        if p.is_file() and p != path and TOKEN.encode() in p.read_bytes()
    ]


def test_a_token_that_is_not_taken_is_not_stored(
    project: Path, service: Pretended
) -> None:
    other = "tt_" + "B" * 43
    unknown = tito_here(project, "login", "--to", service.url, given=other)
    assert "does not know your token" in one_error(unknown)[0]
    for text in ("", "hunter2", f"{TOKEN}x", TOKEN[:-1], "tt_" + "\x1b" * 43):
        none = tito_here(project, "login", "--to", service.url, given=text)
        assert "is no token" in one_error(none)[0]
        assert not text or text not in none.stderr
    assert not (project / ".tinytorch" / "token").exists()


def test_login_without_a_connection_stores_it_untried(
    project: Path, nowhere: str
) -> None:
    (project / ".student").write_text("grace\n")
    done = tito_here(project, "login", "--to", nowhere, given=TOKEN)

    assert done.returncode == 0
    assert "not tried: " in done.stdout
    assert (project / ".tinytorch" / "token").exists()


def test_somebody_elses_token_is_noticed_at_login(
    project: Path, service: Pretended
) -> None:
    (project / ".student").write_text("grace\n")
    done = tito_here(project, "login", "--to", service.url, given=TOKEN)

    assert ".student says grace, the token is of ada" in done.stdout
    assert (project / ".student").read_text() == "grace\n"


def test_a_token_that_others_can_read_is_warned_about(
    project: Path, service: Pretended
) -> None:
    tito_here(project, "login", "--to", service.url, given=TOKEN)
    (project / ".tinytorch" / "token").chmod(0o644)
    done = submit(project, service, TINYTORCH_TOKEN="")

    assert "others on this machine can read .tinytorch/token" in done.stdout
    assert "chmod 600 .tinytorch/token" in done.stdout
    assert done.returncode == 0


def test_the_code_that_is_checked_does_not_get_the_token(
    project: Path, service: Pretended
) -> None:
    (project / "tests").mkdir()
    (project / "tests" / "test_01_setup.py").write_text(
        "import os\n\n"
        "def test_1_1_a():\n    assert 'TINYTORCH_TOKEN' not in os.environ\n"
    )
    words = ("submit", "--student", "ada", "--to", service.url)
    done = tito_here(project, *words, TINYTORCH_TOKEN=TOKEN)

    assert "checks   1 passed" in done.stdout


def test_doctor_says_what_handing_in_waits_for(
    project: Path, service: Pretended, nowhere: str
) -> None:
    def hand_in_line() -> str:
        done = tito_here(project, "doctor")
        return next(r for r in done.stdout.splitlines() if " hand in " in r)

    assert hand_in_line() == "ok     hand in     bundles are put into submissions/"
    (project / "tito").mkdir()
    course = {"submit": {"to": service.url}}
    (project / "tito" / "course.json").write_text(json.dumps(course))
    assert "there is no token for the course's service" in hand_in_line()
    tito_here(project, "login", given=TOKEN)
    assert hand_in_line() == f"ok     hand in     to {service.url}"
    submit(project, nowhere)
    assert "1 bundle is kept and not handed in yet" in hand_in_line()


def test_a_variable_that_holds_no_token_is_said_without_it(
    project: Path, service: Pretended
) -> None:
    wrong = {"TINYTORCH_TOKEN": "tt_short\r\nX-Forged: 1"}
    done = submit(project, service, **wrong)

    assert "TINYTORCH_TOKEN holds no token" in one_error(done)[0]
    assert "tt_short" not in done.stderr
    assert service.asked == []


def test_a_token_goes_to_no_other_host_and_by_no_proxy(
    project: Path, service: Pretended, nowhere: str
) -> None:
    with pretend() as other:
        service.moods = [redirect(f"{other.url}/api/v1/submissions", 308)]
        submit(project, service)
        done = submit(project, service, http_proxy=nowhere, HTTP_PROXY=nowhere)

        assert other.asked == []
    assert done.returncode == 0


def test_a_terminal_asks_for_the_token_without_showing_it(
    project: Path, service: Pretended
) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "tito", "login", "--to", service.url],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(TEMPLATE)},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        # getpass asks the terminal that the process belongs to
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
    ) as process:
        os.close(theirs)
        shown = b""
        while b"Token" not in shown:
            shown += os.read(ours, 1000)
        os.write(ours, TOKEN.encode() + b"\n")
        with contextlib.suppress(OSError):  # the other end is closed
            while piece := os.read(ours, 1000):
                shown += piece
        os.close(ours)

    assert process.returncode == 0, shown
    assert b"hello    Ada L." in shown
    assert TOKEN.encode() not in shown


def test_a_proxy_is_asked_for_a_line_and_gets_no_token(
    project: Path, nowhere: str
) -> None:
    asked = []

    def refuse(server: socket.socket) -> None:
        for _ in range(4):
            connection, _address = server.accept()
            asked.append(connection.recv(1 << 16))
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=refuse, args=(server,))
        thread.start()
        place = f"http://ada:pass%20word@127.0.0.1:{server.getsockname()[1]}"
        done = submit(project, "https://grader.example.org", https_proxy=place)
        thread.join()

    assert "cannot be reached: Tunnel connection failed: 403" in one_error(done)[0]
    assert "pass" not in done.stderr + done.stdout
    assert asked[0].startswith(b"CONNECT grader.example.org:443 HTTP/1.")
    assert b"Proxy-Authorization: Basic YWRhOnBhc3Mgd29yZA==" in asked[0]
    assert not [text for text in asked if TOKEN.encode() in text]


# Certificates


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificate")
    openssl = shutil.which("openssl")
    assert openssl is not None, "apt-get install openssl"
    words = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        "-subj /CN=localhost -addext subjectAltName=DNS:localhost "
        "-keyout key.pem -out cert.pem"
    )
    subprocess.run(
        [openssl, *words.split()],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture
def encrypted(certificate: Path) -> Iterator[Pretended]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    with pretend(context) as found:
        found.url = found.url.replace("http://127.0.0.1", "https://localhost")
        yield found


def test_a_certificate_that_nobody_vouches_for_gets_no_token(
    project: Path, encrypted: Pretended, waits: list[float], certificate: Path
) -> None:
    done = submit(project, encrypted)
    sentence, hint = one_error(done)
    assert "localhost cannot prove that it is the course's service: self-s" in sentence
    assert "SSL_CERT_FILE" in hint
    assert (done.returncode, waits, encrypted.asked) == (3, [], [])

    gone = submit(project, encrypted, SSL_CERT_FILE=str(certificate / "gone.pem"))
    assert "a file that is not there" in one_error(gone)[1]
    good = submit(project, encrypted, SSL_CERT_FILE=str(certificate / "cert.pem"))
    assert (good.returncode, len(encrypted.rows), kept(project)) == (0, 1, [])
    other = encrypted.url.replace("localhost", "127.0.0.1")
    named = submit(project, other, SSL_CERT_FILE=str(certificate / "cert.pem"))
    assert "127.0.0.1 cannot prove" in named.stderr


def test_what_does_not_speak_https_is_said(project: Path, service: Pretended) -> None:
    done = submit(project, service.url.replace("http:", "https:"))

    assert "does not speak HTTPS" in one_error(done)[0]
    assert done.returncode == 3
