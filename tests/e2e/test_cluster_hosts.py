"""A batch across hosts: network namespaces that share a cable and no files."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from dask_cluster import DaskCluster, copy_course, start_batch, wait_for
from grader_command import REFERENCE, TEMPLATE, Grader, copied

pytestmark = pytest.mark.hosts
CHOSEN = ["--only", "setup", "--no-milestones", "--round", "one", "--format", "json"]
NAMES = ("staff", "first", "second")
NETWORK = "10.213.77"


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def hiding(folder: Path) -> list[str]:
    """Return what a command must begin with to find `folder` empty."""
    mount = f'mount -t tmpfs tmpfs "{folder}" && exec "$@"'
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount, "sh"]


@pytest.fixture
def hosts() -> Iterator[dict[str, str]]:
    """Three hosts on one switch, by name: their network namespaces."""
    names = {name: f"grader-{name}-{os.getpid()}" for name in NAMES}
    switch = names["staff"]
    try:
        for name in names.values():
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        ip("-n", switch, "link", "add", "switch", "type", "bridge")
        ip("-n", switch, "addr", "add", f"{NETWORK}.1/24", "dev", "switch")
        ip("-n", switch, "link", "set", "switch", "up")
        for number, host in enumerate(NAMES[1:], start=2):
            plug = ["type", "veth", "peer", "name", "eth0", "netns", names[host]]
            ip("-n", switch, "link", "add", host, *plug)
            ip("-n", switch, "link", "set", host, "master", "switch", "up")
            address = f"{NETWORK}.{number}/24"
            ip("-n", names[host], "addr", "add", address, "dev", "eth0")
            ip("-n", names[host], "link", "set", "eth0", "up")
        yield names
    finally:
        for name in names.values():
            subprocess.run(["ip", "netns", "del", name], check=False)


def test_hosts_that_share_no_files_grade_and_one_falls_silent(
    hosts: dict[str, str], tmp_path: Path
) -> None:
    staff = tmp_path / "staff"
    grader = Grader(staff / "state")
    assert grader.here("round", "new", "one").code == 0
    for student, source in (("ann", REFERENCE), ("bob", TEMPLATE)):
        copied(source, staff / "submissions" / student, {})
    on = {name: ["ip", "netns", "exec", hosts[name]] for name in NAMES}
    within = {name: [*on[name], *hiding(staff)] for name in NAMES[1:]}
    began = tmp_path / "began"
    with DaskCluster(
        tmp_path / "cluster", within={**within, "scheduler": on["staff"]}
    ) as cluster:
        cluster.host = f"{NETWORK}.1"
        cluster.variables["DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL"] = "5s"
        cluster.start_scheduler()
        cluster.start_worker(place="first", sleeper="*", began=str(began))
        batch = start_batch(
            grader,
            staff / "submissions",
            *CHOSEN,
            *cluster.options(),
            within=(*on["staff"], *hiding(cluster.folder)),
        )
        wait_for(began.exists, "the first host to begin")
        ip("-n", hosts["staff"], "link", "set", "first", "down")
        other = copy_course(tmp_path / "other")
        cluster.start_worker(place="second", course=other)
        out, err = batch.communicate(timeout=180)

    assert batch.returncode == 0, err
    rows = {row["student"]: row for row in json.loads(out)}
    assert {row["state"] for row in rows.values()} == {"graded"}
    assert rows["ann"]["earned"] == rows["ann"]["points"] > 0
    assert sorted(row["attempts"] for row in rows.values()) == [0, 1]
