"""What each product reads: a result, an upload that is no submission, our failure.

A failure of ours never has a score: it is not a zero of the student's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, Protocol

from grader.bundles.settings import Product
from grader.errors import SubmissionRejectedError
from grader.exports import autolab, gradescope, prairielearn
from grader.exports.lines import parts_of as parts_in
from grader.exports.lines import to_json, unjudged
from grader.models.measure import Isolation
from grader.models.report import GradeReport
from grader.reports.display import safe_text, workflow_log

LONGEST: Final = 600  # characters of one sentence
OPEN: Final = "This round is final: details are told after it has closed."
OURS: Final = "Nothing to do for you: it is not your fault, and it is no score."


@dataclass(frozen=True)
class Said:
    """What is told beside a result.

    Attributes:
        notes: one sentence each.
        parts: names of what there are points for.
    """

    notes: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


class Results(Protocol):
    """The documents of one product."""

    def graded(self, report: GradeReport, said: Said) -> bytes:
        """Return a result."""

    def rejected(self, error: SubmissionRejectedError, said: Said) -> bytes:
        """Return what an upload gets that is no submission."""

    def failed(self, why: str, said: Said) -> bytes:
        """Return what is written when we could not grade; it has no score."""


def wall_note(isolation: Isolation) -> str:
    """Say which wall a submission ran behind."""
    if isolation.tier == "none":
        return "Isolation: none."
    behind = ", ".join(isolation.features)
    return (
        f"Isolation: the inner wall only ({isolation.tier}: {behind}), inside the "
        "container of this product."
    )


def notes_of(report: GradeReport, said: Said) -> list[str]:
    """Return all sentences, made harmless."""
    told = [*said.notes, *report.verdict.notes]
    told.append(wall_note(report.measurements.isolation))
    if is_final(report):
        told.append(OPEN)
    return [clean(note) for note in told]


def is_final(report: GradeReport) -> bool:
    """Return whether points are told, but no details; a bundle cannot know the end."""
    return report.verdict.round_kind == "final"


def clean(text: str) -> str:
    """Return text that a product may show."""
    return workflow_log(safe_text(text, limit=LONGEST))


def refusal(error: SubmissionRejectedError) -> str:
    """Return why an upload cannot be graded, and what to do."""
    return clean(f"This upload cannot be graded: {error.message}. {error.hint}".strip())


class Gradescope:
    """`results.json` of Gradescope; without a score it counts as our error there."""

    def graded(self, report: GradeReport, said: Said) -> bytes:
        value = json.loads(gradescope.write(report))
        value["output"] = "\n".join([value["output"], *notes_of(report, said)])
        isolation = report.measurements.isolation.model_dump(mode="json")
        value["extra_data"]["isolation"] = isolation
        if is_final(report):
            value["tests"] = []  # the total has a place of its own
        return to_json(value)

    def rejected(self, error: SubmissionRejectedError, said: Said) -> bytes:
        text = "\n".join([refusal(error), *map(clean, said.notes)])
        return to_json(self._plain(text) | {"score": 0.0})

    def failed(self, why: str, said: Said) -> bytes:
        text = "\n".join([clean(why), OURS, *map(clean, said.notes)])
        return to_json(self._plain(text) | {"extra_data": {"judged": False}})

    @staticmethod
    def _plain(text: str) -> dict[str, Any]:
        return {
            "output": text,
            "output_format": "text",
            "visibility": "visible",
            "stdout_visibility": "hidden",
        }


class PrairieLearn:
    """`results.json` of PrairieLearn; what is not gradable costs no attempt there."""

    def graded(self, report: GradeReport, said: Said) -> bytes:
        plain = prairielearn.write(report)
        value = json.loads(plain)
        told = [value.get("message", ""), *notes_of(report, said)]
        value["message"] = "\n".join(filter(None, told))
        if is_final(report):
            value["tests"] = []
        data = to_json(value)
        long = len(data) > prairielearn.MOST_BYTES
        return plain if long and not is_final(report) else data

    def rejected(self, error: SubmissionRejectedError, said: Said) -> bytes:
        return self._ungradable([refusal(error), *map(clean, said.notes)])

    def failed(self, why: str, said: Said) -> bytes:
        return self._ungradable([clean(why), OURS, *map(clean, said.notes)])

    @staticmethod
    def _ungradable(errors: list[str]) -> bytes:
        return to_json({"gradable": False, "format_errors": errors})


class Autolab:
    """The end of standard output; the last line has the scores, null for none."""

    def graded(self, report: GradeReport, said: Said) -> bytes:
        problem = unjudged(parts_in(report))
        told = [*filter(None, [problem]), *notes_of(report, said)]
        *details, scores = autolab.write(report).splitlines(keepends=True)
        shown = b"" if is_final(report) else b"".join(details)
        return self._text(told) + shown + scores

    def rejected(self, error: SubmissionRejectedError, said: Said) -> bytes:
        scores = dict.fromkeys(said.parts, 0.0)
        told = [refusal(error), *map(clean, said.notes)]
        return self._text(told) + to_json({"scores": scores})

    def failed(self, why: str, said: Said) -> bytes:
        told = [clean(why), OURS, *map(clean, said.notes)]
        return self._text(told) + to_json({"scores": dict.fromkeys(said.parts)})

    @staticmethod
    def _text(lines: list[str]) -> bytes:
        # Indented: no line of ours begins as JSON does.
        joined = "\n".join(f"  {line}" for text in lines for line in text.splitlines())
        return f"{joined}\n".encode("ascii", "replace")


RESULTS: Final[dict[Product, Results]] = {
    "gradescope": Gradescope(),
    "prairielearn": PrairieLearn(),
    "autolab": Autolab(),
}
