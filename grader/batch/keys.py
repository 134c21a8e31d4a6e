"""What a result depends on, as one digest: equal keys need no second grading."""

from __future__ import annotations

import hashlib
import json

import numpy as np

import grader
from grader import datasets
from grader.checks.suites import load_suites
from grader.config import Home, data_folder, state_folder
from grader.container.host import image_now
from grader.errors import ConfigError, InconclusiveError, SubmissionRejectedError
from grader.grading import GradeOptions
from grader.intake import open_submission
from grader.models.course import Course
from grader.pipeline import digest_of, reference_files
from grader.rounds import load_round
from grader.sandbox import choose


def basis(home: Home, course: Course, options: GradeOptions, tier: str = "") -> str:
    """Return everything but the submission, as text.

    Args:
        tier: of workers elsewhere, which prove it themselves; empty: of a wall that is
            tried here.

    Raises:
        GraderError: suites, reference or round cannot be read, or no wall be built.
    """
    chosen = load_round(state_folder(home), options.round)
    parts = {
        "engine": grader.__version__,
        "numpy": np.__version__,
        "course": course.model_dump(mode="json"),
        "suites": load_suites(home.suites, course).digest,
        "reference": digest_of(reference_files(home.reference / course.package)),
        "runs": _runs(home, course, options),
        "round": chosen.name,
        "secret": hashlib.sha256(chosen.secret).hexdigest(),
        "profile": options.profile,
        "tier": tier or _tier(home, options),
        "modules": sorted(options.modules),
        "milestones": options.milestones,
    }
    return json.dumps(parts, sort_keys=True)


def _tier(home: Home, options: GradeOptions) -> str:
    if options.sandbox == "docker":
        return f"docker {image_now(home)}"  # its suites, its numpy
    wall = choose(options.sandbox, secrets=(home.reference, state_folder(home)))
    return wall.isolation.tier


def _runs(home: Home, course: Course, options: GradeOptions) -> list[str]:
    """Return the digests of the milestone scripts that will be run and of their data.

    Data that is not there is a word too: once it is, everything is graded with it.
    """
    found = []
    for milestone in course.milestones:
        run = milestone.profile(options.profile)
        asked = options.milestones is None or milestone.name in options.milestones
        if run is None or not asked:
            continue
        script = home.milestones / milestone.folder / run.script
        if script.is_file():
            found.append(hashlib.sha256(script.read_bytes()).hexdigest())
            found.append(_data(home, run.data, options))
    return found


def _data(home: Home, name: str, options: GradeOptions) -> str:
    folder = options.data or data_folder(home)
    roots = [*([folder] if folder else []), home.milestones / "data"]
    size: datasets.Profile = "quick" if options.profile == "quick" else "full"
    try:
        return datasets.load(name, root=roots, profile=size, compact=True).digest
    except ConfigError:
        return "not there"


def key_of(base: str, student: str, source: str, package: str) -> str:
    """Return the key of one submission.

    One that cannot be read, for whichever reason, is known by it and stops no other.
    """
    try:
        content = open_submission(source, package=package, student=student).digest
    except (SubmissionRejectedError, InconclusiveError) as exc:
        content = f"not read: {source}: {exc.message}"
    return key_of_content(base, student, content)


def key_of_content(base: str, student: str, content: str) -> str:
    """Return the key of a submission by the digest of its files."""
    text = "\0".join((base, student, content))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
