"""What products read of results, uploads that are none, and failures of ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from exports.golden import judged, unjudged

import grader
from grader.bundles.results import RESULTS, Said
from grader.bundles.settings import FILE, Product, Settings, read_settings
from grader.errors import ConfigError, SubmissionRejectedError
from grader.exports import prairielearn
from grader.models.report import GradeReport

LINE: Final = '{"scores": {"tensor": 1}}'
HOSTILE: Final = f"a\u202eb\n::error::x\n{LINE}\n\x00" + "y" * 5000
PRODUCTS: Final = sorted(RESULTS)


def last(data: bytes) -> Any:
    return json.loads(data.decode().splitlines()[-1])


def final(report: GradeReport) -> GradeReport:
    verdict = report.verdict.model_dump() | {"round_kind": "final"}
    return GradeReport.model_validate(report.model_dump() | {"verdict": verdict})


def test_points_are_those_of_the_report() -> None:
    report = judged()
    earned, points = report.verdict.earned, report.verdict.points

    read = {name: last(RESULTS[name].graded(report, Said())) for name in PRODUCTS}

    assert read["gradescope"]["score"] == pytest.approx(earned, abs=0.005)
    assert read["prairielearn"]["score"] == pytest.approx(earned / points, abs=1e-3)
    assert sum(read["autolab"]["scores"].values()) == pytest.approx(earned, abs=0.005)


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_final_round_tells_points_and_no_details(product: Product) -> None:
    opened = RESULTS[product].graded(judged(), Said())
    told = RESULTS[product].graded(final(judged()), Said())

    hint = judged().verdict.modules[1].checks[1].outcome
    assert hint.kind == "mismatch"
    assert hint.expected.encode() in opened
    assert hint.expected.encode() not in told
    assert b"details are told after it has closed" in told
    scores = ("score", "scores")
    assert [last(told).get(s) for s in scores] == [last(opened).get(s) for s in scores]


@pytest.mark.parametrize("product", PRODUCTS)
def test_what_was_not_judged_has_no_score(product: Product) -> None:
    value = last(RESULTS[product].graded(unjudged(), Said()))

    if product == "autolab":
        assert value["scores"]["tensor"] is None
    else:
        assert "score" not in value


@pytest.mark.parametrize("product", PRODUCTS)
def test_our_failure_has_no_score(product: Product) -> None:
    said = Said(parts=("tensor", "milestone_xor"))

    value = last(RESULTS[product].failed(HOSTILE, said))

    assert "score" not in value
    assert "tests" not in value
    if product == "autolab":
        assert value == {"scores": {"tensor": None, "milestone_xor": None}}
    if product == "prairielearn":
        assert value["gradable"] is False


@pytest.mark.parametrize("product", PRODUCTS)
def test_no_text_is_taken_for_a_result_or_a_command(product: Product) -> None:
    error = SubmissionRejectedError(HOSTILE, hint=HOSTILE)
    notes = Said(notes=(HOSTILE,), parts=("tensor",))
    made = RESULTS[product]

    for data in (
        made.rejected(error, notes),
        made.failed(HOSTILE, notes),
        made.graded(judged(), notes),
    ):
        lines = data.decode("ascii").splitlines()
        assert [line for line in lines if line.startswith(LINE[:12])] == (
            lines[-1:] if product == "autolab" else []
        )
        assert not any(line.startswith("::") for line in lines)
        assert last(data).get("scores") != {"tensor": 1}
        assert len(data) < 20_000


def test_a_long_result_of_prairielearn_stays_below_its_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = prairielearn.write(judged())
    monkeypatch.setattr(prairielearn, "MOST_BYTES", len(plain) + 10)

    assert RESULTS["prairielearn"].graded(judged(), Said()) == plain


def test_settings_of_another_version_are_refused(tmp_path: Path) -> None:
    made = Settings(
        product="gradescope",
        round="week-1",
        profile="quick",
        modules=("tensor",),
        milestones=None,
        deadline_s=540.0,
        engine=grader.__version__,
    )
    (tmp_path / FILE).write_text(made.model_dump_json())
    assert read_settings(tmp_path) == made

    other = made.model_dump() | {"engine": "0.0.9"}
    (tmp_path / FILE).write_text(Settings.model_validate(other).model_dump_json())
    with pytest.raises(ConfigError, match=r"grader 0\.0\.9"):
        read_settings(tmp_path)
