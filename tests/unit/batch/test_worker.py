"""A worker as a process, without a coordinator that waits for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from grader.batch.orders import Orders
from grader.store import Store
from grader.store.jobs import Wanted

KEY = "sha256:a"


@pytest.mark.parametrize(
    ("coordinator", "state"),
    [(os.getpid(), "refused"), (1, "waiting")],
    ids=["there", "gone"],  # a process id would name a test differently in each worker
)
def test_a_worker_whose_coordinator_is_gone_takes_nothing(
    coordinator: int, state: str, tmp_path: Path
) -> None:
    store = Store.open(tmp_path / "store")
    store.jobs.want([Wanted(KEY, "nowhere", "ann")])
    orders = Orders(
        owner=f"host:{coordinator}:1",
        store=str(tmp_path / "store"),
        course=str(Path(__file__).resolve().parents[3]),
        round="none",
        profile="quick",
        sandbox="none",
        sources={KEY: str(tmp_path / "nowhere")},
    )

    done = subprocess.run(
        [sys.executable, "-m", "grader.batch.worker"],
        input=orders.model_dump_json().encode(),
        check=False,
        timeout=60,
    )

    (job,) = store.jobs.rows([KEY])
    store.close()
    assert done.returncode == 0
    assert job.state == state
