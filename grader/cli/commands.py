"""Where each command of `grader` is, and the first sentence of its help."""

from __future__ import annotations

from typing import Final

from grader.cli.loading import Place

COMMANDS: Final[dict[str, Place]] = {
    "batch": Place(
        "grader.cli.batch",
        "batch",
        "Grade many submissions, several at a time, and keep the results.",
    ),
    "bundle": Place(
        "grader.cli.bundle",
        "bundle_group",
        "Grade inside Gradescope, PrairieLearn or Autolab.",
    ),
    "compare": Place(
        "grader.cli.compare",
        "compare",
        "Show which submissions share passages: evidence, never a verdict.",
    ),
    "data": Place(
        "grader.cli.data", "data", "Data sets of the fast and full profiles."
    ),
    "doctor": Place(
        "grader.cli.doctor",
        "doctor",
        "Say which sandboxes work here, and what is missing for the others.",
    ),
    "export": Place(
        "grader.cli.export",
        "export",
        "Write results as FORMAT, to standard output or a file.",
    ),
    "feedback": Place(
        "grader.cli.feedback",
        "feedback",
        "Write a page for STUDENT: what passed, what to do next, how it went so far.",
    ),
    "forget": Place(
        "grader.cli.history",
        "forget",
        "Erase all that is kept of STUDENT; it cannot be undone.",
    ),
    "grade": Place(
        "grader.cli.grade",
        "grade",
        "Grade one SUBMISSION: a folder, .zip, .tar.gz, bundle or git address.",
    ),
    "history": Place(
        "grader.cli.history",
        "history",
        "Say what happened, oldest first: of one STUDENT or team, or of everybody.",
    ),
    "image": Place(
        "grader.cli.image", "image", "The image that submissions are graded in."
    ),
    "mark": Place(
        "grader.cli.mark",
        "mark",
        "Marks: what staff say about them, and how they come about.",
    ),
    "overview": Place(
        "grader.cli.overview",
        "overview",
        "Show how a class stands: points, commonest mistakes, who is stuck.",
    ),
    "pack": Place(
        "grader.cli.pack",
        "pack",
        "Answer packs: a feedback round's checks with recorded answers, no reference.",
    ),
    "project": Place(
        "grader.cli.project",
        "project_group",
        "Capstone projects: `capstone.toml`, reproduced and held against its claim.",
    ),
    "publish": Place(
        "grader.cli.publish",
        "publish",
        "Build the leaderboard from the results in the store.",
    ),
    "regrade": Place(
        "grader.cli.regrade",
        "regrade",
        "Regrade sets: graded aside, looked at, then applied or cancelled as a whole.",
    ),
    "roster": Place(
        "grader.cli.roster",
        "roster",
        "The people of the course, their tokens and one-time links.",
    ),
    "round": Place(
        "grader.cli.rounds",
        "round_group",
        "Rounds: the secrets that gradings draw their inputs from, and their policies.",
    ),
    "schema": Place(
        "grader.cli.doctor", "schema", "Print the JSON Schema of a report."
    ),
    "serve": Place(
        "grader.cli.serve",
        "serve",
        "Take submissions in over HTTP, grade them, and tell how they stand.",
    ),
    "show": Place(
        "grader.cli.history",
        "show",
        "Show a stored report: a student's latest, "
        "or that of a digest from the history.",
    ),
    "store": Place(
        "grader.cli.history",
        "store_group",
        "The store of results.",
    ),
    "template": Place(
        "grader.cli.template",
        "template",
        "The students' repository: stubs, public tests, milestones, tito.",
    ),
    "validate": Place(
        "grader.cli.validate",
        "validate",
        "Prove the hidden suites: the reference passes, wrong packages do not.",
    ),
    "visibility": Place(
        "grader.cli.publish",
        "set_visibility",
        "Record how STUDENT wishes to appear on the board: hidden, alias or named.",
    ),
}
