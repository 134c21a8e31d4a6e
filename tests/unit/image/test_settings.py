"""What a process finds around itself, read from imitations of /proc and /sys."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.image.settings import Setting, settings

HARD = {
    ".dockerenv": "",
    "proc/self/mounts": "overlay / overlay ro,relatime 0 0\n"
    "tmpfs /tmp tmpfs rw,nosuid,nodev,noexec,relatime,size=524288k 0 0\n",
    "proc/self/status": "Name:\tx\nCapBnd:\t00000000000000e0\nNoNewPrivs:\t1\n"
    "Seccomp:\t2\n",
}
FIRST = {
    "memory/memory.limit_in_bytes": "3221225472\n",
    "memory/memory.memsw.limit_in_bytes": "3221225472\n",
    "pids/pids.max": "256\n",
    "cpu/cpu.cfs_quota_us": "100000\n",
    "cpu/cpu.cfs_period_us": "100000\n",
}
SECOND = {
    "memory.max": "3221225472\n",
    "memory.swap.max": "0\n",
    "pids.max": "256\n",
    "cpu.max": "100000 100000\n",
}
SOFT = {
    "proc/self/mounts": "overlay / overlay rw,relatime 0 0\n"
    "shm /dev/shm tmpfs rw,nosuid 0 0\n",
    "proc/self/status": "CapBnd:\t00000000a80425fb\nNoNewPrivs:\t0\nSeccomp:\t0\n",
}
NO_LIMITS = {
    "first": {
        "memory/memory.limit_in_bytes": "9223372036854771712\n",
        "memory/memory.memsw.limit_in_bytes": "9223372036854771712\n",
        "pids/pids.max": "max\n",
        "cpu/cpu.cfs_quota_us": "-1\n",
        "cpu/cpu.cfs_period_us": "100000\n",
    },
    "second": {
        "memory.max": "max\n",
        "memory.swap.max": "max\n",
        "pids.max": "max\n",
        "cpu.max": "max 100000\n",
    },
    "none": {},
}


def found(root: Path, *parts: dict[str, str], links: str = "lo") -> dict[str, Setting]:
    for part in parts:
        for name, text in part.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf8")
    for link in links.split():
        (root / "sys/class/net" / link).mkdir(parents=True)
    return {setting.name: setting for setting in settings(root)}


def cgroup(limits: dict[str, str]) -> dict[str, str]:
    return {f"sys/fs/cgroup/{name}": text for name, text in limits.items()}


@pytest.mark.parametrize("limits", [FIRST, SECOND], ids=["version 1", "version 2"])
def test_every_wall_of_a_grading_is_seen(
    tmp_path: Path, limits: dict[str, str]
) -> None:
    rows = found(tmp_path, HARD, cgroup(limits))

    assert [name for name, row in rows.items() if not row.on] == []
    assert {row.advice for row in rows.values()} == {""}
    assert rows["memory"].found == "3072 MiB"
    assert rows["capabilities"].found == "KILL, SETGID, SETUID"
    assert "size=524288k" in rows["small-tmp"].found


@pytest.mark.parametrize("version", NO_LIMITS)
def test_what_is_missing_is_said_with_its_option(tmp_path: Path, version: str) -> None:
    rows = found(tmp_path, SOFT, cgroup(NO_LIMITS[version]), links="lo eth0")

    assert [name for name, row in rows.items() if row.on] == []
    assert rows["no-network"].found == "eth0, lo"
    assert rows["no-network"].advice == "add --network none"
    assert rows["capabilities"].found == "14 rights"
    assert rows["memory"].found == "no limit"
    assert rows["no-shared-memory"].advice == "add --ipc none"


def test_swap_beside_the_memory_is_a_gap(tmp_path: Path) -> None:
    limits = FIRST | {"memory/memory.memsw.limit_in_bytes": "6442450944\n"}

    rows = found(tmp_path, HARD, cgroup(limits))

    assert not rows["no-swap"].on
    assert rows["no-swap"].found == "3221225472 bytes"


def test_two_processors_are_not_one(tmp_path: Path) -> None:
    rows = found(tmp_path, HARD, cgroup(SECOND | {"cpu.max": "200000 100000\n"}))

    assert not rows["one-cpu"].on
    assert rows["one-cpu"].found == "2"


def test_a_tmp_that_runs_programs_is_a_gap(tmp_path: Path) -> None:
    mounts = HARD["proc/self/mounts"].replace(",noexec", "")

    rows = found(tmp_path, HARD, {"proc/self/mounts": mounts}, cgroup(SECOND))

    assert not rows["small-tmp"].on
    assert rows["read-only-root"].on


def test_fewer_rights_than_needed_are_no_gap_of_the_wall(tmp_path: Path) -> None:
    status = HARD["proc/self/status"].replace("00e0", "0020")

    rows = found(tmp_path, HARD, {"proc/self/status": status}, cgroup(SECOND))

    assert rows["capabilities"].on
    assert rows["capabilities"].found == "KILL"
