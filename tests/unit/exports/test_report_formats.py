"""Formats that hold one report: what is written, and what a consumer makes of it."""

from __future__ import annotations

import json
import re
import unicodedata
from xml.etree import ElementTree as ET

import pytest
from junitparser import Error, Failure, JUnitXml
from reports.samples import HOSTILE, everything, good, hostile, perfect, report

from exports.golden import FOLDER, RUNNER, documents, judged, unjudged
from exports.readers import REPORT_READERS, classroom_log
from grader.errors import ConfigError, InconclusiveError
from grader.exports import CLASS_FORMATS, FORMATS, REPORT_FORMATS, of_report
from grader.models.outcome import Passed
from grader.models.report import GradeReport, Verdict

OBEYED = {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}
COMMAND = re.compile(r"^\s*::|##\[", re.MULTILINE)  # as a CI log obeys them
NOT_JUDGED_IS_REFUSED = {"classroom50"}
REPORTS = {
    "all right": report(modules=perfect(), milestones=()),
    "some wrong": report(modules=good()),
    "small": judged(),
}


def written(form: str, graded: GradeReport) -> bytes:
    return of_report(form, graded.model_dump_json().encode(), RUNNER).data


def strings(value: object) -> list[str]:
    """Return all texts in a JSON value, keys included."""
    if isinstance(value, dict):
        return [*value, *(s for v in value.values() for s in strings(v))]
    if isinstance(value, list):
        return [s for v in value for s in strings(v)]
    return [value] if isinstance(value, str) else []


def texts(form: str, data: bytes) -> list[str]:
    """Return all texts in a document."""
    if form == "junit":
        return [
            text
            for element in ET.fromstring(data).iter()  # noqa: S314 -- our own
            for text in (element.text or "", *element.attrib.values())
        ]
    return [s for line in data.splitlines() for s in strings(json.loads(line))]


@pytest.mark.parametrize("name", documents())
def test_a_document_is_what_it_was(name: str) -> None:
    assert documents()[name] == (FOLDER / name).read_bytes()


def test_every_format_has_its_golden_document() -> None:
    marked = {f"{form}_marked" for form in CLASS_FORMATS}
    assert {path.stem for path in FOLDER.iterdir()} == {*FORMATS, *marked}


@pytest.mark.parametrize("graded", REPORTS.values(), ids=REPORTS.keys())
@pytest.mark.parametrize("form", REPORT_FORMATS)
def test_a_consumer_comes_to_the_same_total(form: str, graded: GradeReport) -> None:
    total = REPORT_READERS[form](written(form, graded))

    assert total is not None
    assert abs(total[0] - graded.verdict.earned) < 0.01
    if form != "autolab":  # points of problems are set in Autolab
        assert abs(total[1] - graded.verdict.points) < 0.01


@pytest.mark.parametrize("form", sorted(REPORT_FORMATS.keys() - NOT_JUDGED_IS_REFUSED))
@pytest.mark.parametrize("graded", [unjudged(), report(modules=everything())])
def test_what_was_not_judged_gives_no_score(form: str, graded: GradeReport) -> None:
    made = of_report(form, graded.model_dump_json().encode(), RUNNER)

    assert made.unjudged
    assert "could not be judged (our side)" in made.notes[0]
    assert REPORT_READERS[form](made.data) is None


def test_classroom50_gets_no_result_where_something_was_not_judged() -> None:
    with pytest.raises(InconclusiveError, match="there is no result"):
        written("classroom50", unjudged())


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("form", sorted(REPORT_FORMATS.keys() - NOT_JUDGED_IS_REFUSED))
def test_hostile_text_is_shown_and_obeyed_by_nobody(form: str, text: str) -> None:
    data = written(form, hostile(text))

    assert not COMMAND.search(data.decode())
    for shown in texts(form, data):
        assert {
            unicodedata.category(c) for c in shown.replace("\n", "")
        } & OBEYED == set()
        assert not COMMAND.search(shown)
        assert len(shown) < 9000
    assert len(data) < 200_000
    assert REPORT_READERS[form](data) is None  # the sample has a check not judged


def hostile_but_judged(text: str) -> GradeReport:
    base = hostile(text)
    (module,) = base.verdict.modules
    checks = tuple(
        type(c)(**{**dict(c), "outcome": Passed(), "earned": c.points})
        if c.outcome.kind == "inconclusive"
        else c
        for c in module.checks
    )
    earned = module.points * sum(c.earned for c in checks) / len(checks)
    module = type(module)(**{**dict(module), "checks": checks, "earned": earned})
    milestones = base.verdict.milestones
    total = round(earned + sum(m.earned for m in milestones), 2)
    changed = {"modules": (module,), "earned": total}
    verdict = Verdict(**{**dict(base.verdict), **changed})
    return GradeReport(**{**dict(base), "verdict": verdict})


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("form", REPORT_FORMATS)
def test_hostile_text_changes_no_total(form: str, text: str) -> None:
    graded = hostile_but_judged(text)

    total = REPORT_READERS[form](written(form, graded))

    assert total is not None
    assert abs(total[0] - graded.verdict.earned) < 0.01


def test_junit_tells_mistakes_from_what_we_could_not_judge() -> None:
    suites = {
        suite.name: suite for suite in JUnitXml.fromstring(written("junit", unjudged()))
    }

    suite = suites["02 tensor"]
    assert (suite.tests, suite.errors, suite.failures, suite.skipped) == (8, 1, 0, 0)
    (bad,) = [result for case in suite for result in case.result]
    assert isinstance(bad, Error)
    assert bad.type == "inconclusive"
    assert "host ran out of memory" in bad.text


def test_junit_counts_are_those_that_its_reader_counts() -> None:
    read = JUnitXml.fromstring(written("junit", report(modules=everything())))
    told = (read.tests, read.failures, read.errors, read.skipped)

    read.update_statistics()

    assert (read.tests, read.failures, read.errors, read.skipped) == told
    kinds = {type(r) for suite in read for case in suite for r in case.result}
    assert kinds == {Error, Failure}


def test_stubs_do_not_make_a_green_build() -> None:
    read = JUnitXml.fromstring(written("junit", judged()))

    todo = [c for s in read for c in s for r in c.result if r.type == "not_implemented"]

    assert [case.name for case in todo] == ["reshape"]
    assert read.failures == 5


def test_gradescope_shows_each_check_with_its_task_and_message() -> None:
    tests = json.loads(written("gradescope", judged()))["tests"]

    add = tests[3]
    assert (add["number"], add["status"], add["tags"]) == ("2.2", "failed", ["tensor"])
    assert add["output"].splitlines()[:2] == [
        "matmul with a (4, 3) and a (3, 5) tensor",
        "  expected  0.268941 at index (0, 0)",
    ]


def test_prairielearn_stays_below_its_megabyte() -> None:
    graded = hostile("=\u202e" * 2000)
    (module,) = graded.verdict.modules
    many = tuple(module for _ in range(120))
    verdict = Verdict(**{**dict(graded.verdict), "modules": many})

    data = written("prairielearn", GradeReport(**{**dict(graded), "verdict": verdict}))

    assert 100_000 < len(data) < 1_000_000


def test_prairielearn_gives_no_score_where_nothing_could_be_earned() -> None:
    value = json.loads(written("prairielearn", report(modules=(), milestones=())))

    assert value["gradable"] is False
    assert "score" not in value


def test_autolab_keeps_a_problem_ungraded_that_was_not_judged() -> None:
    value = json.loads(written("autolab", unjudged()).splitlines()[-1])

    assert value == {
        "scores": {"setup": 10.0, "tensor": None, "milestone_perceptron": 5.0}
    }


def test_the_last_line_of_autolab_has_no_text_of_anybody() -> None:
    last = written("autolab", hostile_but_judged('x: "word:word"')).splitlines()[-1]

    assert b"word" not in last


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_the_log_of_the_classroom_reporter_has_no_commands(text: str) -> None:
    lines = classroom_log(written("classroom", hostile(text)))

    assert not [line for line in lines if line.lstrip().startswith(("::", "##["))]


def test_a_report_of_classroom_says_pass_only_where_all_is_right() -> None:
    assert json.loads(written("classroom", REPORTS["all right"]))["status"] == "pass"
    assert json.loads(written("classroom", judged()))["status"] == "fail"
    assert json.loads(written("classroom", unjudged()))["status"] == "error"


def test_classroom50_needs_the_variables_of_its_runner() -> None:
    without = {k: v for k, v in RUNNER.items() if k != "SUBMISSION_TAG"}

    with pytest.raises(ConfigError, match="SUBMISSION_TAG is not in the environment"):
        of_report("classroom50", judged().model_dump_json().encode(), without)


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff\x00", b"[" * 100_000])
def test_what_is_no_report_is_refused(data: bytes) -> None:
    with pytest.raises(ConfigError, match="no report of this grader"):
        of_report("junit", data, {})
