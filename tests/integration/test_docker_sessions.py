"""A session in our container, from the public function to what is left: nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader import competing
from grader.competing import CompeteOptions
from grader.container.host import SUBMISSION_LABEL, image_name
from grader.models.outcome import Passed
from grader.sandbox import docker

pytestmark = pytest.mark.docker
ROOT = Path(__file__).resolve().parents[2]


def test_a_session_is_measured_behind_both_walls_and_leaves_nothing() -> None:
    options = CompeteOptions(
        course=ROOT,
        events=("latency",),
        workloads=("mlp",),
        sandbox="docker",
        launches=1,
        pairs=1,
        requeues=0,
    )

    (made,) = competing.run(str(ROOT / "reference"), options)

    session = made.last
    assert isinstance(session.outcome, Passed)
    (launch,) = session.launches
    assert launch.pairs[0].checked >= session.plan.batch_size
    assert launch.pairs[0].mismatched == 0
    assert session.conditions.host_class.endswith("-docker")
    assert session.conditions.limits.cpus == 1.0
    assert session.conditions.isolation.tier == "docker"
    assert {"container", "no-network"} < {*session.conditions.isolation.features}
    client = docker.connect()
    assert session.digests.image == docker.image_id(image_name(), client)
    label = f"{SUBMISSION_LABEL}={session.digests.submission}"
    left = client.api.containers(all=True, filters={"label": label})
    client.close()
    assert left == []
