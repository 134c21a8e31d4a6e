"""What a step of GitHub Actions shows: summary and annotations."""

from __future__ import annotations

import re

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from reports.samples import HOSTILE, everything, hostile, perfect, report
from workflows.runner_log import Command, Log

from exports.golden import judged, unjudged
from grader.exports.github import MOST_BYTES, MOST_OF_A_KIND, commands, summary
from grader.models.outcome import Raised
from grader.models.report import GradeReport, Verdict
from grader.reports.display import workflow_command

ALLOWED = {"h2", "h3", "p", "strong", "code", "pre", "table", "thead", "tbody", "tr"}


def obeyed(data: bytes) -> list[Command]:
    log = Log()
    log.read(data.decode())
    return log.commands


def page(graded: GradeReport) -> str:
    """Return what GitHub's own parser makes of the summary, before any filter."""
    text = summary(graded).decode()
    return cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE)


def test_the_summary_tells_points_and_what_to_do_first() -> None:
    shown = page(judged())

    assert f"{judged().verdict.earned:g} of {judged().verdict.points:g} points" in shown
    assert shown.count("<pre>") == shown.count("<h3>") == 2  # tensor, and a milestone
    assert "  expected " in shown


def test_points_that_could_not_be_judged_are_no_number() -> None:
    shown = page(unjudged())

    assert "could not be judged (our side)" in shown
    assert "points</strong>" not in shown
    assert '<td align="right">?</td>' in shown


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_the_summary_has_no_markup_of_anybody(text: str) -> None:
    shown = page(hostile(text))

    tags = set(re.findall(r"<(\w+)", shown))
    assert tags <= ALLOWED | {"th", "td"}
    assert not re.search(r"<(?!t[dh] align)\w+ ", shown)  # no attribute but alignment
    rows = re.findall(r"<tr>.*?</tr>", shown, re.DOTALL)
    assert {len(re.findall(r"<t[hd]", row)) for row in rows} == {5}
    assert len(summary(hostile(text))) < 50_000


def test_the_summary_is_never_too_long() -> None:
    graded = hostile("=\u202e" * 2000)
    (module,) = graded.verdict.modules
    verdict = Verdict(**{**dict(graded.verdict), "modules": (module,) * 500})

    data = summary(GradeReport(**{**dict(graded), "verdict": verdict}))

    assert 50_000 < len(data) <= MOST_BYTES
    assert data.count(b"<pre>") == data.count(b"</pre>")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_annotations_are_the_only_commands(text: str) -> None:
    data = commands(hostile(text))

    found = obeyed(data)
    assert len(found) == data.decode().count("\n")  # a line is a command
    assert {c.name for c in found} <= {"error", "notice", "warning"}
    assert {key for c in found for key in c.words} <= {"title"}
    for kind in ("error", "notice", "warning"):
        assert sum(c.name == kind for c in found) <= MOST_OF_A_KIND


def test_annotations_begin_with_the_first_failure_of_each_part() -> None:
    found = [c for c in obeyed(commands(judged())) if c.name == "error"]

    firsts = [c.words["title"].partition(":")[0] for c in found[:2]]
    assert len(set(firsts)) == 2
    assert obeyed(commands(report(modules=perfect(), milestones=()))) == []


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("tinytorch/a.py:41, in f", {"file": "tinytorch/a.py", "line": "41"}),
        ("tinytorch/a.py,line=1,title=x::y.py:41", {}),
        ("../secret.py:1", {}),
        ("/etc/a.py:1", {}),
        ("", {}),
    ],
)
def test_an_error_stands_at_its_line(where: str, words: dict[str, str]) -> None:
    outcome = Raised(error="KeyError", message="no", where=where, call="f(1)")
    (module,) = hostile("x").verdict.modules
    check = type(module.checks[0])(**{**dict(module.checks[0]), "outcome": outcome})
    module = type(module)(**{**dict(module), "checks": (check,)})

    (found,) = obeyed(commands(report(modules=(module,), milestones=())))

    assert {k: v for k, v in found.words.items() if k != "title"} == words


def test_what_was_not_judged_is_a_warning() -> None:
    found = obeyed(commands(report(modules=everything(), milestones=())))

    (warning,) = [c for c in found if c.name == "warning"]
    assert "our side" in warning.message


@pytest.mark.parametrize(
    "text", ["100%", "%0A", "%25", "a,b:c", "a\nb", "::x::", "%3A"]
)
def test_a_command_comes_back_as_it_was(text: str) -> None:
    line = workflow_command("error", text, title=text)

    (found,) = obeyed(line.encode())

    assert found.message == text
    assert found.words["title"] == " ".join(text.split())
