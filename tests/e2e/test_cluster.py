"""`grader batch --executor dask`: real schedulers and workers, and what kills them."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dask_cluster import INNER, DaskCluster, copy_course, start_batch, wait_for
from grader_command import REFERENCE, TEMPLATE, Grader, copied

from grader.batch import cluster as cluster_module
from grader.store import Store
from grader.store.jobs import Job

CHOSEN = ["--only", "setup", "--no-milestones", "--round", "one", "--format", "json"]


@pytest.fixture
def grader(tmp_path: Path) -> Grader:
    """The command with a store and a round of its own."""
    return Grader.with_rounds(tmp_path / "coordinator" / "state", "one")


@pytest.fixture
def submissions(tmp_path: Path) -> Path:
    folder = tmp_path / "coordinator" / "submissions"
    for student, source in (("ann", REFERENCE), ("bob", TEMPLATE)):
        copied(source, folder / student, {})
    return folder


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[DaskCluster]:
    """A scheduler without workers."""
    with DaskCluster(tmp_path / "elsewhere") as made:
        made.start_scheduler()
        yield made


def rows_of(out: str) -> dict[str, dict[str, Any]]:
    return {row["student"]: row for row in json.loads(out)}


def jobs_of(grader: Grader) -> dict[str, Job]:
    """Return the job table as it stands, by student."""
    store = Store.open(grader.state / "store")
    try:
        keys = [row[0] for row in _all_keys(store)]
        return {job.student: job for job in store.jobs.rows(keys)}
    finally:
        store.close()


def _all_keys(store: Store) -> list[Any]:
    with store._engine.connect() as connection:
        return list(connection.exec_driver_sql("SELECT key FROM jobs").all())


def verdicts(grader: Grader) -> list[str]:
    reports = Store.open(grader.state / "store").reports()
    return sorted(r.report.verdict.model_dump_json() for r in reports)


def test_a_cluster_says_what_this_host_would(
    grader: Grader, submissions: Path, cluster: DaskCluster, tmp_path: Path
) -> None:
    cluster.start_worker()
    (submissions / "dan").mkdir()

    done = grader("batch", submissions, *CHOSEN, *cluster.options())
    local = Grader(tmp_path / "local")
    shutil.copytree(grader.state / "rounds", local.state / "rounds")
    here = local("batch", submissions, *CHOSEN, "--sandbox", INNER)
    again = grader("batch", submissions, *CHOSEN, "--sandbox", INNER)

    assert done.code == here.code == again.code == 0, done.err + here.err
    rows = rows_of(done.out)
    assert {s: r["state"] for s, r in rows.items()} == {
        "ann": "graded",
        "bob": "graded",
        "dan": "refused",
    }
    assert rows["ann"]["earned"] == rows["ann"]["points"] > rows["bob"]["earned"] == 0
    assert verdicts(grader) == verdicts(local)
    assert again.out == done.out  # what a cluster graded need not be graded here
    assert not (cluster.folder / "no-state" / "rounds").exists()


def test_a_worker_that_differs_is_named_and_gets_no_work(
    grader: Grader, submissions: Path, cluster: DaskCluster
) -> None:
    changed = copy_course(cluster.folder / "changed")
    with (changed / "reference/checks/test_01_setup.py").open("a") as file:
        file.write("# another version\n")
    cluster.start_worker(engine="9.9.9")
    cluster.start_worker(course=changed)
    cluster.start_worker(threads=2)

    alone = grader("batch", submissions, *CHOSEN, *cluster.options())
    cluster.start_worker()
    mixed = grader("batch", submissions, *CHOSEN, *cluster.options())
    other = "namespaces" if INNER == "uid" else "uid"
    walled = grader(
        "batch", submissions, *CHOSEN, *cluster.options(other), "--profile", "fast"
    )

    assert alone.code == 3
    assert "no worker can grade" in alone.err
    assert mixed.code == 0, mixed.err
    assert all(row["state"] == "graded" for row in rows_of(mixed.out).values())
    for reason in ("its engine is 9.9.9", "its suites is sha256:", "with 2 threads"):
        assert reason in alone.err
        assert reason in mixed.err
    assert "gets no work" in mixed.err
    assert walled.code == 4, walled.err
    assert "tier uid" in walled.err or "only root" in walled.err


def test_the_work_of_a_killed_worker_is_done_by_one_that_joins_later(
    grader: Grader, submissions: Path, cluster: DaskCluster, tmp_path: Path
) -> None:
    began = tmp_path / "began"
    victim = cluster.start_worker(sleeper="*", began=str(began))
    batch = start_batch(grader, submissions, *CHOSEN, *cluster.options())
    wait_for(began.exists, "the worker to begin")
    victim.kill()
    cluster.start_worker()

    out, err = batch.communicate(timeout=120)

    assert batch.returncode == 0, err
    rows = rows_of(out)
    assert {r["state"] for r in rows.values()} == {"graded"}
    assert sorted(r["attempts"] for r in rows.values()) == [0, 1]


def test_what_kills_its_workers_is_set_aside_alone(
    grader: Grader, submissions: Path, tmp_path: Path
) -> None:
    """Its worker comes back each time; the scheduler would give up after the first."""
    copied(REFERENCE, submissions / "killer", {})
    copied(REFERENCE, submissions / "zoe", {})
    with DaskCluster(tmp_path / "elsewhere") as cluster:
        cluster.variables["DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES"] = "0"
        cluster.start_scheduler()
        cluster.start_worker(nanny=True, killer="killer")

        done = grader("batch", submissions, *CHOSEN, *cluster.options())

    assert done.code == 5, done.err
    rows = rows_of(done.out)
    killer = rows.pop("killer")
    assert killer["state"] == "failed"
    assert "three times" in killer["message"]
    assert killer["attempts"] == 3
    assert {(r["state"], r["attempts"]) for r in rows.values()} == {("graded", 0)}


def test_a_bug_on_one_submission_stops_no_other(
    grader: Grader, submissions: Path, cluster: DaskCluster
) -> None:
    cluster.start_worker(bug="ann")

    done = grader("batch", submissions, *CHOSEN, *cluster.options())

    assert done.code == 5, done.err
    rows = rows_of(done.out)
    assert (rows["ann"]["state"], rows["ann"]["attempts"]) == ("failed", 3)
    assert (rows["bob"]["state"], rows["bob"]["attempts"]) == ("graded", 0)
    assert "ZeroDivisionError: ann" in done.err


def test_a_lost_scheduler_is_told_and_the_batch_resumes(
    grader: Grader, submissions: Path, tmp_path: Path
) -> None:
    began = tmp_path / "began"
    with DaskCluster(tmp_path / "elsewhere") as cluster:
        scheduler = cluster.start_scheduler()
        cluster.start_worker(sleeper="bob", began=str(began))
        batch = start_batch(grader, submissions, *CHOSEN, *cluster.options())
        wait_for(began.exists, "the worker to begin")
        graded = jobs_of(grader)["ann"]
        scheduler.kill()
        _, err = batch.communicate(timeout=60)
        between = jobs_of(grader)
        cluster.start_scheduler()
        cluster.start_worker()
        done = grader("batch", submissions, *CHOSEN, *cluster.options())

    assert batch.returncode == 5, err
    assert "the connection to the Dask scheduler" in err
    assert "run the same command again" in err
    assert "Traceback" not in err
    assert (between["bob"].state, between["bob"].attempts) == ("waiting", 0)
    assert done.code == 0, done.err
    assert rows_of(done.out)["ann"]["document"] == graded.document is not None
    assert rows_of(done.out)["bob"]["state"] == "graded"


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_a_coordinator_that_ends_leaves_a_batch_to_resume(
    end: signal.Signals,
    grader: Grader,
    submissions: Path,
    cluster: DaskCluster,
    tmp_path: Path,
) -> None:
    began = tmp_path / "began"
    cluster.start_worker(sleeper="bob", began=str(began))
    batch = start_batch(grader, submissions, *CHOSEN, *cluster.options())
    wait_for(began.exists, "the worker to begin")
    batch.send_signal(end)
    _, err = batch.communicate(timeout=60)
    left = jobs_of(grader)
    cluster.start_worker()  # the first one still sleeps
    done = grader("batch", submissions, *CHOSEN, *cluster.options())

    if end == signal.SIGINT:
        assert batch.returncode == 130
        assert "finished results are kept" in err
        assert left["bob"].state == "waiting"
    else:
        assert batch.returncode == -signal.SIGKILL
        assert left["bob"].state == "leased"
    assert left["ann"].state == "graded"
    assert done.code == 0, done.err
    rows = rows_of(done.out)
    assert {r["state"] for r in rows.values()} == {"graded"}
    assert {r["attempts"] for r in rows.values()} == {0}
    events = Store.open(grader.state / "store").events()
    assert sorted(e.student for e in events) == ["ann", "bob"]


def test_a_worker_that_is_sent_away_is_not_blamed(
    grader: Grader, submissions: Path, cluster: DaskCluster, tmp_path: Path
) -> None:
    """As adaptive clusters do when they shrink."""
    began = tmp_path / "began"
    cluster.start_worker(sleeper="*", began=str(began))
    batch = start_batch(grader, submissions, *CHOSEN, *cluster.options())
    wait_for(began.exists, "the worker to begin")
    cluster.retire_all()
    cluster.start_worker()

    out, err = batch.communicate(timeout=120)

    assert batch.returncode == 0, err
    rows = rows_of(out)
    assert {(r["state"], r["attempts"]) for r in rows.values()} == {("graded", 0)}


def test_two_coordinators_share_one_store_and_one_cluster(
    grader: Grader, submissions: Path, cluster: DaskCluster
) -> None:
    for student in ("cem", "eve"):
        copied(TEMPLATE, submissions / student, {})
    for _ in range(2):
        cluster.start_worker()
    command = [submissions, *CHOSEN, *cluster.options()]

    both = [start_batch(grader, *command) for _ in range(2)]
    ends = [(*batch.communicate(timeout=200), batch.returncode) for batch in both]

    assert [code for *_, code in ends] == [0, 0], ends
    assert ends[0][0] == ends[1][0]
    rows = rows_of(ends[0][0])
    assert {(r["state"], r["attempts"]) for r in rows.values()} == {("graded", 0)}
    events = Store.open(grader.state / "store").events()
    assert sorted(e.student for e in events) == ["ann", "bob", "cem", "eve"]


def test_tls_lets_in_who_holds_a_certificate(
    grader: Grader, submissions: Path, tmp_path: Path
) -> None:
    ours, theirs = (certificate(tmp_path / name) for name in ("ours", "theirs"))
    quick = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "2s"}
    with DaskCluster(tmp_path / "elsewhere") as cluster:
        cluster.host = "tls://127.0.0.1"
        cluster.variables |= ours
        cluster.start_scheduler()
        cluster.start_worker()
        command = ["batch", submissions, *CHOSEN, *cluster.options()]
        without = grader(*command, **quick)
        stranger = grader(*command, **theirs, **quick)
        done = grader(*command, **ours)

    assert cluster.address.startswith("tls://")
    assert without.code == 3
    assert "cannot be used as a scheduler's address" in without.err
    assert stranger.code == 4
    assert "no Dask scheduler answers" in stranger.err
    assert done.code == 0, done.err
    assert {r["state"] for r in rows_of(done.out).values()} == {"graded"}


def certificate(folder: Path) -> dict[str, str]:
    """Make one certificate for everybody; return dask's settings for it."""
    folder.mkdir()
    key, file = folder / "key.pem", folder / "cert.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    make += ["-subj", "/CN=grader", "-keyout", str(key), "-out", str(file)]
    subprocess.run(make, check=True, capture_output=True)
    tls = "DASK_DISTRIBUTED__COMM__TLS__"
    roles = ("CLIENT", "SCHEDULER", "WORKER")
    return (
        {f"{tls}CA_FILE": str(file)}
        | {f"{tls}{role}__KEY": str(key) for role in roles}
        | {f"{tls}{role}__CERT": str(file) for role in roles}
    )


@pytest.mark.docker
def test_workers_with_the_image_of_this_host_grade_in_containers(
    grader: Grader, submissions: Path, cluster: DaskCluster, image: str
) -> None:
    cluster.start_worker()
    command = ["batch", submissions, *CHOSEN, *cluster.options("docker")]

    missing = grader(*command, GRADER_IMAGE="tinytorch-grader:none")
    done = grader(*command, GRADER_IMAGE=image)

    assert missing.code == 4
    assert "no image 'tinytorch-grader:none'" in missing.err
    assert done.code == 0, done.err
    assert {r["state"] for r in rows_of(done.out).values()} == {"graded"}
    store = Store.open(grader.state / "store")
    measured = [r.report.measurements for r in store.reports()]
    assert {m.isolation.tier for m in measured} == {"docker"}


def test_no_scheduler_and_no_workers_are_told(
    grader: Grader,
    submissions: Path,
    cluster: DaskCluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster_module, "WAIT_S", 0.5)
    nobody = [
        "--executor",
        "dask",
        "--inner",
        INNER,
        "--scheduler",
        "tcp://127.0.0.1:1",
    ]
    quick = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "1s"}

    unreachable = grader("batch", submissions, *CHOSEN, *nobody, **quick)
    idle = grader.here("batch", submissions, *CHOSEN, *cluster.options())

    assert unreachable.code == 4
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in unreachable.err
    assert "Traceback" not in unreachable.err
    assert idle.code == 4
    assert "has no workers" in idle.err
    assert jobs_of(grader)["ann"].state == "waiting"


def test_without_dask_it_says_what_to_install(
    grader: Grader, submissions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    options = ["--executor", "dask", "--inner", INNER, "--scheduler", "tcp://h:1"]

    done = grader.here("batch", submissions, *CHOSEN, *options)

    assert done.code == 3
    assert "needs the packages dask and distributed" in done.err
    assert ".[cluster]" in done.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--executor", "dask", "--inner", "uid"], "needs --scheduler"),
        (["--executor", "dask", "--scheduler", "tcp://h:1"], "needs --inner"),
        (["--scheduler", "tcp://h:1"], "--scheduler does not go with"),
        (["--executor", "docker", "--inner", "uid"], "--inner does not go with"),
        (
            [*("--executor", "dask", "--inner", "uid", "--scheduler", "x"), "--jobs=2"],
            "--jobs does not go with --executor dask",
        ),
        (["--executor", "dask", "--inner", "none"], "'none' is not one of"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    options: list[str], message: str, grader: Grader, submissions: Path
) -> None:
    done = grader.here("batch", submissions, *options)

    assert done.code == 2
    assert message in done.err
