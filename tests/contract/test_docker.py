"""The outer wall, asserted from inside: probes run in a container of the real image."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from docker import DockerClient

from grader.errors import InconclusiveError, SandboxUnavailableError
from grader.sandbox.docker import (
    CAPABILITIES,
    OWNER_LABEL,
    ContainerDied,
    ContainerLimits,
    available,
    connect,
    grade_in_container,
    image_id,
    remove_orphans,
)

pytestmark = pytest.mark.docker
MIB = 2**20
SMALL = ContainerLimits(
    memory_bytes=256 * MIB, tmp_bytes=16 * MIB, processes=64, deadline_s=60
)
# A probe is a request that is run: the image's wall without the judge.
PROBE = """
FROM {image}
ENTRYPOINT ["python", "-c", "import sys; exec(sys.stdin.buffer.read())"]
"""


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    with contextlib.closing(connect()) as client:
        yield client


@pytest.fixture(scope="module")
def probe_image(client: DockerClient, image: str) -> Iterator[str]:
    recipe = io.BytesIO(PROBE.format(image=image).encode())
    built, _ = client.images.build(fileobj=recipe, rm=True)
    assert built.id
    yield built.id
    client.images.remove(built.id, force=True)


class Probe:
    def __init__(self, image: str, client: DockerClient) -> None:
        self.image = image
        self.client = client

    def run(
        self, source: str, limits: ContainerLimits = SMALL
    ) -> bytes | ContainerDied:
        return grade_in_container(
            source.encode(), image=self.image, limits=limits, client=self.client
        )

    def value(self, source: str, limits: ContainerLimits = SMALL) -> Any:
        """Run `source`, which prints one JSON value."""
        answer = self.run("import json\n" + source, limits)
        assert isinstance(answer, bytes), answer
        return json.loads(answer)

    def died(self, source: str, limits: ContainerLimits = SMALL) -> ContainerDied:
        answer = self.run(source, limits)
        assert isinstance(answer, ContainerDied), answer
        return answer


@pytest.fixture
def probe(probe_image: str, client: DockerClient) -> Iterator[Probe]:
    yield Probe(probe_image, client)
    # Every test leaves nothing behind, however its container ended.
    left = client.containers.list(all=True, filters={"ancestor": probe_image})
    assert left == []


# What stands around the submission.

STATUS = """
fields = dict(line.split(":\\t", 1) for line in open("/proc/self/status"))
print(json.dumps({name: fields[name].split() for name in
    ("CapEff", "CapPrm", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Uid")}))
"""
CAPABILITY_BITS = {"KILL": 5, "SETGID": 6, "SETUID": 7}


def test_root_has_three_capabilities_and_can_gain_none(probe: Probe) -> None:
    status = probe.value(STATUS)

    allowed = sum(1 << CAPABILITY_BITS[name] for name in CAPABILITIES)
    assert status["Uid"] == ["0"] * 4
    for kind in ("CapEff", "CapPrm", "CapBnd"):
        assert int(status[kind][0], 16) == allowed, kind
    assert int(status["CapAmb"][0], 16) == 0
    assert status["NoNewPrivs"] == ["1"]
    assert status["Seccomp"] == ["2"]


def test_uid_switch_works_and_leaves_no_capability(probe: Probe) -> None:
    source = "import os; os.setgroups([]); os.setgid(700001); os.setuid(700001)"

    status = probe.value(source + STATUS)

    assert status["Uid"] == ["700001"] * 4
    assert int(status["CapEff"][0], 16) == 0


def test_only_loopback_and_nothing_is_reachable(probe: Probe) -> None:
    found = probe.value("""
import socket
tried = {}
for name, address in {"internet": ("1.1.1.1", 53), "metadata": ("169.254.169.254", 80),
                      "bridge": ("172.17.0.1", 80)}.items():
    try:
        socket.create_connection(address, 2).close()
        tried[name] = "connected"
    except OSError as exc:
        tried[name] = exc.strerror
print(json.dumps([[name for _, name in socket.if_nameindex()], tried]))
""")

    interfaces, tried = found
    assert interfaces == ["lo"]
    assert set(tried.values()) == {"Network is unreachable"}, tried


def test_nothing_is_writable_but_a_small_tmp(probe: Probe) -> None:
    found = probe.value("""
import os
def attempt(path):
    try:
        with open(path, "wb") as f:
            f.write(b"x")
        return "written"
    except OSError as exc:
        return exc.strerror
folders = ["/", "/srv/course", "/opt/grader", "/root", "/var/tmp", "/usr/lib", "/etc"]
print(json.dumps([{f: attempt(f + "/new") for f in folders}, attempt("/tmp/new")]))
""")

    folders, tmp = found
    assert set(folders.values()) == {"Read-only file system"}, folders
    assert tmp == "written"


def test_tmp_is_limited_in_bytes_and_files_and_runs_nothing(probe: Probe) -> None:
    limits = SMALL.model_copy(update={"tmp_inodes": 100})

    found = probe.value(
        """
import os
def fill():
    with open("/tmp/big", "wb", buffering=0) as f:
        for mib in range(64):
            f.write(bytes(2**20))
def many():
    for n in range(200):
        open(f"/tmp/{n}", "wb").close()
def execute():
    with open("/tmp/run", "w") as f:
        f.write("#!/bin/sh\\n")
    os.chmod("/tmp/run", 0o755)
    os.execv("/tmp/run", ["run"])
answers = {}
for name, act in {"execute": execute, "fill": fill, "many": many}.items():
    try:
        act()
    except OSError as exc:
        answers[name] = exc.strerror
    made = ["/tmp/" + file for file in os.listdir("/tmp")]
    answers[name + " files"] = len(made)
    answers[name + " bytes"] = sum(os.stat(file).st_size for file in made)
    for file in made:
        os.remove(file)
print(json.dumps(answers))
""",
        limits,
    )

    assert found["execute"] == "Permission denied"
    assert found["fill"] == "No space left on device"
    assert 0 < found["fill bytes"] <= limits.tmp_bytes
    assert found["many"] == "No space left on device"
    assert 0 < found["many files"] < 100


def test_no_mount_of_the_host_and_no_shared_memory(probe: Probe) -> None:
    found = probe.value("""
import os
mounts = [line.split()[1] for line in open("/proc/mounts")]
unwanted = ("/dev/shm", "/var/run/docker.sock")
print(json.dumps([mounts, *map(os.path.exists, unwanted)]))
""")

    mounts, shared_memory, engine_socket = found
    # The engine writes three files of its own; nothing else comes from outside.
    own = {"/", "/tmp", "/etc/hosts", "/etc/resolv.conf", "/etc/hostname"}  # noqa: S108
    others = [m for m in mounts if m not in own]
    assert [m for m in others if m.split("/")[1] not in {"proc", "sys", "dev"}] == []
    assert not shared_memory
    assert not engine_socket


def test_environment_holds_nothing_of_the_host(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROUND_SECRET", "canary-in-the-environment")

    environment = probe.value("import os; print(json.dumps(dict(os.environ)))")

    assert "canary" not in json.dumps(environment)
    assert environment["HOSTNAME"] == "grader"
    assert environment["GRADER_CONTAINER"] == "1"


def test_secrets_are_unreadable_after_the_uid_switch(probe: Probe) -> None:
    found = probe.value("""
import os
before = sorted(os.listdir("/srv/course/reference"))
os.setgroups([]); os.setgid(700001); os.setuid(700001)
try:
    after = os.listdir("/srv/course/reference")
except OSError as exc:
    after = exc.strerror
print(json.dumps([before, after]))
""")

    before, after = found
    assert {"checks", "tinytorch"} <= set(before)
    assert after == "Permission denied"


# What it may use.


def test_memory_bomb_is_an_out_of_memory_death(probe: Probe) -> None:
    died = probe.died(
        "data = bytearray(2**30)\nfor i in range(0, 2**30, 4096): data[i] = 1"
    )

    assert died.oom
    assert not died.timed_out
    assert died.exit_code == 137


def test_filled_tmp_counts_as_memory(probe: Probe) -> None:
    limits = SMALL.model_copy(update={"tmp_bytes": 1024 * MIB})

    died = probe.died(
        "with open('/tmp/x', 'wb') as f:\n while True: f.write(bytes(2**20))", limits
    )

    assert died.oom


def test_death_of_a_child_by_memory_is_not_that_of_the_container(probe: Probe) -> None:
    found = probe.value("""
import os
child = os.fork()
if child == 0:
    with open("/proc/self/oom_score_adj", "w") as f:
        f.write("1000")
    b"x" * 2**30
print(json.dumps(os.waitpid(child, 0)[1]))
""")

    assert found == 9


def test_fork_bomb_stops_at_the_limit_of_processes(probe: Probe) -> None:
    limits = SMALL.model_copy(update={"processes": 24})

    found = probe.value(
        """
import os, time
children = 0
try:
    while children < 1000:
        if os.fork() == 0:
            time.sleep(60)
        children += 1
except BlockingIOError:
    pass
print(json.dumps(children))
""",
        limits,
    )

    assert found == limits.processes - 1


def test_two_busy_processes_share_one_cpu(probe: Probe) -> None:
    found = probe.value("""
import os, time
start = time.monotonic()
for _ in range(2):
    if os.fork() == 0:
        while time.monotonic() < start + 2:
            pass
        os._exit(0)
for _ in range(2):
    os.wait()
used = os.times()
print(json.dumps([used.children_user + used.children_system, time.monotonic() - start]))
""")

    cpu_s, wall_s = found
    # The quota is per 100 ms period; one period of slack.
    assert cpu_s <= wall_s * 1.0 + 0.2


def test_no_core_is_written(probe: Probe) -> None:
    limit = probe.value(
        "import resource; print(json.dumps(resource.getrlimit(resource.RLIMIT_CORE)))"
    )

    assert limit == [0, 0]


# What goes in and comes out.


def test_large_request_and_early_output_do_not_block_each_other(
    probe_image: str, client: DockerClient
) -> None:
    # The probe answers a megabyte before it reads the rest of its input.
    head = b"import sys; sys.stdout.write('o' * 2**20); sys.stdout.flush()\n"

    answer = grade_in_container(
        head + b"#" * (20 * MIB), image=probe_image, limits=SMALL, client=client
    )

    assert answer == b"o" * MIB


def test_output_flood_is_refused_at_its_cap(probe: Probe) -> None:
    limits = SMALL.model_copy(update={"stdout_bytes": MIB})
    started = time.monotonic()

    with pytest.raises(InconclusiveError, match="more than 1048576 bytes"):
        probe.run("while True: print('x' * 2**20)", limits)

    assert time.monotonic() - started < 30


def test_error_flood_keeps_the_end(probe: Probe) -> None:
    limits = SMALL.model_copy(update={"stderr_bytes": 1000})

    died = probe.died(
        "import sys; sys.stderr.write('x' * 2**22 + 'the end'); sys.exit(3)", limits
    )

    assert died.exit_code == 3
    assert died.stderr.endswith("xthe end")
    assert len(died.stderr) == 1000


@pytest.mark.parametrize(
    "source",
    [
        "import time; time.sleep(60)",
        "import os, time; os.close(1); os.close(2); time.sleep(60)",
        "import signal as s, time; s.signal(s.SIGTERM, s.SIG_IGN); time.sleep(60)",
        "import sys\nwhile True: sys.stderr.write('x' * 2**20)",
        "import os\nwhile True:\n try: os.fork()\n except OSError: pass",
    ],
    ids=["sleep", "closed streams", "ignored signals", "error flood", "fork bomb"],
)
def test_deadline_ends_it(probe: Probe, source: str) -> None:
    limits = SMALL.model_copy(update={"deadline_s": 3.0})

    died = probe.died(source, limits)

    assert died.timed_out
    # Measured: 0.3 s late on an idle machine; a fork bomb dies slowly on a loaded one.
    assert died.wall_s < 3.0 + 12.0


def test_end_without_output_is_a_death(probe: Probe) -> None:
    died = probe.died("pass")

    assert died.exit_code == 0
    assert not died.oom
    assert not died.timed_out


def test_output_of_a_failed_container_is_not_a_result(probe: Probe) -> None:
    died = probe.died("print('{}'); raise SystemExit(7)")

    assert died.exit_code == 7


# What is ours when it goes wrong.


def test_container_removed_by_somebody_is_inconclusive(
    probe: Probe, probe_image: str, client: DockerClient
) -> None:
    thief = f"""
import time, docker
client = docker.from_env()
while not (found := client.containers.list(filters={{"ancestor": {probe_image!r}}})):
    time.sleep(0.05)
found[0].remove(force=True)
"""
    helper = subprocess.Popen([sys.executable, "-c", thief])
    try:
        with pytest.raises(InconclusiveError, match="lost during a grading"):
            probe.run("import time; time.sleep(60)")
    finally:
        helper.wait(30)


def test_missing_image_says_how_to_make_it() -> None:
    name = "tinytorch-grader:no-such-image"

    with pytest.raises(SandboxUnavailableError) as caught:
        grade_in_container(b"", image=name)

    assert name in caught.value.message
    assert caught.value.hint == "make image"
    assert name in (available(name) or "")


def test_available_and_id_of_the_image(client: DockerClient, image: str) -> None:
    assert available(image) is None
    assert image_id(image, client).startswith("sha256:")


def test_no_engine_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")

    with pytest.raises(SandboxUnavailableError) as caught:
        grade_in_container(b"", image="any")

    assert caught.value.message == "no Docker engine answers: No such file or directory"
    assert "no Docker engine" in (available() or "")


def test_container_of_a_killed_grader_is_removed_later(
    probe_image: str, client: DockerClient
) -> None:
    victim = f"""
from grader.sandbox.docker import grade_in_container
grade_in_container(b"import time; time.sleep(300)", image={probe_image!r})
"""
    label: dict[str, str | list[str] | bool] = {
        "label": OWNER_LABEL,
        "ancestor": probe_image,
    }
    process = subprocess.Popen([sys.executable, "-c", victim])
    try:
        give_up = time.monotonic() + 30
        while not client.containers.list(filters=label):
            assert time.monotonic() < give_up
            time.sleep(0.1)
        assert remove_orphans(client) == 0  # its grader lives
    finally:
        process.kill()
        process.wait()

    assert remove_orphans(client) == 1
    assert client.containers.list(all=True, filters=label) == []
