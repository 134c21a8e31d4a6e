"""Grading in our container, from the public function to the container's removal."""

from __future__ import annotations

import base64
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import DockerClient

import grader
from grader import api, rounds
from grader.checks.recording import basis_of, seal, unseal
from grader.config import Home
from grader.container.host import grade_in_docker, record_in_docker
from grader.container.request import ContainerJob
from grader.intake import open_submission
from grader.models.outcome import NotImplementedYet
from grader.models.report import GradeReport, Verdict
from grader.sandbox.docker import OWNER_LABEL, connect, image_id, owner

pytestmark = pytest.mark.docker
ROOT = Path(__file__).resolve().parents[2]
MODULES = ("tensor", "activations")


def grade(source: Path, sandbox: str, milestones: tuple[str, ...] = ()) -> GradeReport:
    options = api.GradeOptions(
        course=ROOT, sandbox=sandbox, modules=MODULES, milestones=milestones, demo=True
    )
    return api.grade(str(source), options)


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    with contextlib.closing(connect()) as client:
        yield client


@pytest.fixture(autouse=True)
def nothing_is_left(client: DockerClient) -> Iterator[None]:
    def ours() -> set[str]:
        # Those of this process: others may be grading at the same time.
        mine = f"{OWNER_LABEL}={owner()}"
        filters: dict[str, str | list[str] | bool] = {"label": mine}
        found = client.containers.list(all=True, filters=filters)
        return {str(container.id) for container in found}

    before = ours()
    yield
    assert ours() <= before


@pytest.fixture(scope="module")
def contained() -> GradeReport:
    return grade(ROOT / "reference", "docker", ("perceptron",))


def test_answers_recorded_in_a_container_serve_the_next(
    contained: GradeReport,
) -> None:
    """They change nothing while they are true, and everything when they lie."""
    chosen = rounds.demo_round()
    data = record_in_docker(chosen)
    recording = unseal(data, basis_of(data), chosen.secret)
    lies = {
        name: tuple(e._replace(body=bytes(len(e.body))) for e in exchanges)
        for name, exchanges in recording.items()
    }

    def verdict(answers: bytes) -> Verdict:
        submission = open_submission(str(ROOT / "reference"), package="tinytorch")
        job = ContainerJob(
            round=chosen,
            profile="quick",
            modules=MODULES,
            milestones=("perceptron",),
            label=submission.label,
            student=submission.student,
            digest=submission.digest,
            notes=submission.notes,
            answers=base64.b64encode(answers).decode(),
        )
        return grade_in_docker(submission, job, None, Home(ROOT)).verdict

    assert verdict(data).model_dump_json() == contained.verdict.model_dump_json()
    lied = verdict(seal(lies, basis_of(data), chosen.secret))
    assert lied.earned < contained.verdict.earned / 2  # other checks need no oracle
    damaged = verdict(data[:-1])
    assert damaged.model_dump_json() == contained.verdict.model_dump_json()


def test_reference_earns_every_point_in_a_container(contained: GradeReport) -> None:
    verdict = contained.verdict

    assert verdict.points > 0
    assert verdict.earned == verdict.points
    assert [m.name for m in verdict.modules] == list(MODULES)


def test_report_names_the_tier_and_the_image(
    contained: GradeReport, client: DockerClient, image: str
) -> None:
    assert contained.measurements.isolation.tier == "docker"
    assert contained.measurements.host.image == image_id(image, client)


@pytest.mark.namespaces
def test_verdict_is_the_same_outside_the_container(contained: GradeReport) -> None:
    outside = grade(ROOT / "reference", "auto", ("perceptron",))

    stale = "the image is not of this checkout: make image"
    assert outside.verdict.suites == contained.verdict.suites, stale
    assert outside.verdict == contained.verdict


def test_untouched_template_earns_nothing_and_is_only_unwritten() -> None:
    report = grade(ROOT / "student_template", "docker")

    outcomes = [c.outcome for m in report.verdict.modules for c in m.checks]
    assert report.verdict.earned == 0
    assert outcomes
    assert all(isinstance(o, NotImplementedYet) for o in outcomes), outcomes


def test_two_gradings_at_once_do_not_disturb_each_other(contained: GradeReport) -> None:
    reports: list[GradeReport] = []

    def work() -> None:
        reports.append(grade(ROOT / "reference", "docker"))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [r.verdict.modules for r in reports] == [contained.verdict.modules] * 2


def test_image_holds_the_course_and_no_state(client: DockerClient, image: str) -> None:
    # The image has no `ls`.
    source = "import os; print(*sorted(os.listdir('/srv/course')))"
    listing = client.containers.run(
        image,
        entrypoint=["python", "-c", source],
        network_mode="none",
        remove=True,
    )

    assert listing.decode().split() == ["course.toml", "milestones", "reference"]


def test_image_is_labelled_with_its_version(client: DockerClient, image: str) -> None:
    labels = client.images.get(image).labels

    assert labels["org.opencontainers.image.version"] == grader.__version__
