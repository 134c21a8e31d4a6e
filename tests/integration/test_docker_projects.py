"""A project in our container, from the public function to the card."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader import capstones
from grader.grading import GradeOptions
from grader.models.project import ClaimMissed

pytestmark = pytest.mark.docker
ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import numpy as np
def build(tt, rng): return {}
def train(tt, model, data, budget, log): yield
def predict(tt, model, x): return np.zeros((len(x), 10))
"""


def test_a_project_is_reproduced_behind_both_walls(tmp_path: Path) -> None:
    (tmp_path / "tinytorch").mkdir()
    (tmp_path / "entry").mkdir()
    (tmp_path / "entry" / "example.py").write_text(SCRIPT)
    example = ROOT / "student_template" / "entry" / "capstone.example.toml"
    (tmp_path / "capstone.toml").write_bytes(example.read_bytes())
    options = GradeOptions(course=ROOT, sandbox="docker", demo=True)

    found = capstones.run(str(tmp_path), options).project

    assert isinstance(found.claim, ClaimMissed)
    assert len(found.draws) == 5
    assert found.isolation.tier == "docker"
    assert {"container", "no-network"} < {*found.isolation.features}
    assert found.host.image
