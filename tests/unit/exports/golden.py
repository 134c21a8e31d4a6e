"""The documents that the writers must write, byte for byte.

Write them anew after a wanted change, and read the difference:

    PYTHONPATH=tests/unit python -m exports.golden
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

from publish.courses import Course
from reports.samples import (
    START,
    WRONG,
    good,
    module_result,
    perceptron,
    perfect,
    report,
    todo,
    xor,
)

from grader.exports import (
    CLASS_FORMATS,
    REPORT_FORMATS,
    STEP_FORMATS,
    Choice,
    of_class,
    of_report,
)
from grader.models.outcome import Inconclusive, Passed
from grader.models.report import GradeReport
from grader.store import Export
from grader.store.events import (
    Commented,
    Extended,
    Overridden,
    PolicySet,
    Submitted,
    TeamSet,
)

FOLDER: Final = Path(__file__).parent / "golden"
UNJUDGED: Final = Inconclusive(reason="the host ran out of memory")
RUNNER: Final = {  # what Classroom 50's runner tells an autograder
    "CLASSROOM": "cs-fall",
    "ASSIGNMENT": "tinytorch",
    "SUBMISSION_TAG": "submit/2026-09-14T08-30-00Z-a1b2c3d",
    "COMMIT_URL": "https://github.example/cs/tinytorch-ada/commit/a1b2c3d",
    "RELEASE_URL": "https://github.example/cs/tinytorch-ada/releases/tag/s1",
    "OWNER": "ada",
}
ROSTER: Final = b"""\
student,first_name,last_name,email,id,sis_id,login,section
s1024-lovelace,Ada,"Lovelace, Countess",ada@example.edu,17,S1024,ada,A
s2048-hopper,Grace,Hopper,grace@example.edu,18,S2048,grace,B
s4096-noether,Emmy,Noether,emmy@example.edu,19,S4096,emmy,B
s8192-franklin,Rosalind,Franklin,rosalind@example.edu,20,S8192,rosalind,A
"""


def judged() -> GradeReport:
    """Return a small report with passes, mistakes, a TODO and two milestones."""
    outcomes = (Passed(), WRONG[0], WRONG[1], WRONG[2], todo("2.5", "Tensor.reshape"))
    modules = (module_result("setup", ()), module_result("tensor", outcomes))
    return report(modules=modules, milestones=(perceptron(), xor(WRONG[3])))


def unjudged() -> GradeReport:
    """Return a report of which one check could not be judged."""
    modules = (module_result("setup", ()), module_result("tensor", (UNJUDGED,)))
    return report(modules=modules, milestones=(perceptron(),))


def course() -> Export:
    """Return what a store with the results of `taught` would export."""
    return taught().export()


def taught() -> Course:
    """Return three students: full marks, most of them, and one not judged."""
    made = Course()
    made.graded("s1024-lovelace", perfect())
    made.graded("s2048-hopper", good())
    made.graded("s4096-noether", (*good()[:-1], module_result("autograd", [UNJUDGED])))
    return made


def marked() -> Export:
    """Return the same with a policy: two days late, a team, points set by staff."""
    made = taught()
    round_, by, due = "autumn-1", "A. Teacher", START - timedelta(days=1, hours=6)
    made.said("", PolicySet(round=round_, due_at=due, per_day=0.1, most=0.5, by=by))
    for stored in made.export().results:
        who, submission = stored.summary.student, stored.summary.submission
        told = Submitted(
            round=round_, submission=submission, at=START, told_by="roster"
        )
        made.said(who, told)
    made.said("s1024-lovelace", Extended(round=round_, due_at=START, by=by))
    spoken = Overridden(
        round=round_, part="tensor", points=9.5, by=by, reason="asked for it"
    )
    made.said("s2048-hopper", spoken)
    made.said("s2048-hopper", Commented(round=round_, text="=well done", by=by))
    made.said("s4096-noether", TeamSet(members=("n1", "n2"), by=by))
    whole = Overridden(round=round_, points=30, by=by, reason="oral exam")
    made.said("n2", whole)
    return made.export()


def documents() -> dict[str, bytes]:
    """Return every document by the name of its file."""
    choice = Choice(assignment="TinyTorch (12345)")
    found = {
        form: of_class(form, course(), choice, ROSTER).data for form in CLASS_FORMATS
    }
    for form in CLASS_FORMATS:
        found[f"{form}_marked"] = of_class(form, marked(), choice, ROSTER).data
    for form in REPORT_FORMATS:
        text = judged().model_dump_json().encode()
        found[form] = of_report(form, text, RUNNER).data
    for form, write in STEP_FORMATS.items():
        found[form] = write(judged())
    endings = {"junit": "xml", "autolab": "txt"}
    endings |= {"github-summary": "md", "github-annotations": "txt"}
    endings |= dict.fromkeys(
        ("csv", "canvas", "nbgrader", "csv_marked", "canvas_marked", "nbgrader_marked"),
        "csv",
    )
    return {f"{form}.{endings.get(form, 'json')}": data for form, data in found.items()}


if __name__ == "__main__":
    for name, data in documents().items():
        (FOLDER / name).write_bytes(data)
