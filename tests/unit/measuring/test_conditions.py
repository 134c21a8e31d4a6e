"""What is read of a host, from files of known content."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from grader.measuring.conditions import (
    host_class,
    is_loaded,
    limits_here,
    throttled_s,
)
from grader.models.measure import ContainerLimits, Host
from grader.models.session import HostClass


def host(cpu: str, cores: int = 4) -> Host:
    return Host(cpu=cpu, cores=cores, kernel="6", python="3", numpy="2", blas="b")


@pytest.mark.parametrize(
    ("cpu", "cpus", "name"),
    [
        ("Intel(R) Xeon(R) CPU @ 2.20GHz", 4.0, "intel-xeon-cpu-2.20ghz-4c"),
        ("AMD EPYC", 0.5, "amd-epyc-4c-q0.5"),
        ("", 4.0, "unknown-4c"),
        ("\u00dcber-CPU " + "x" * 90, 1.5, "ber-cpu-" + "x" * 36 + "-4c-q1.5"),
    ],
)
def test_a_class_names_processor_cores_and_share(
    cpu: str, cpus: float, name: str
) -> None:
    found = host_class(host(cpu), ContainerLimits(cpus=cpus))

    assert found == name
    assert TypeAdapter(HostClass).validate_python(found) == name


def test_limits_are_those_of_the_cgroup(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text(f"{2**28}\n")
    (tmp_path / "pids.max").write_text("256\n")
    (tmp_path / "cpu.max").write_text("150000 100000\n")

    found = limits_here(tmp_path)

    assert (found.memory_bytes, found.processes, found.cpus) == (2**28, 256, 1.5)


def test_without_limits_they_are_those_of_the_host(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "cpu.max").write_text("max 100000\n")

    found = limits_here(tmp_path)

    assert found.memory_bytes > 2**28
    assert found.cpus >= 1
    assert found.processes > 1


def test_throttling_is_read_where_it_is_told(tmp_path: Path) -> None:
    assert throttled_s(tmp_path) == 0.0
    text = "usage_usec 5\nnr_throttled 3\nthrottled_usec 2500000\n"
    (tmp_path / "cpu.stat").write_text(text)

    assert throttled_s(tmp_path) == 2.5


def test_one_running_process_is_ourselves() -> None:
    assert not is_loaded(1.2, 2)
    assert is_loaded(1.6, 2)
    assert not is_loaded(1.6, 8)


def test_a_container_is_a_class_of_its_own_however_long_its_name() -> None:
    limits = ContainerLimits(cpus=1 / 3)

    found = host_class(host("x" * 90, cores=128), limits, "docker")

    assert found.startswith("x" * 44 + "-128c-q0.3")
    assert found.endswith("-docker")
    assert TypeAdapter(HostClass).validate_python(found) == found


def test_throttling_is_read_of_the_first_version_of_cgroups_too(
    tmp_path: Path,
) -> None:
    (tmp_path / "cpu").mkdir()
    text = "nr_periods 9\nnr_throttled 2\nthrottled_time 1500000000\n"
    (tmp_path / "cpu" / "cpu.stat").write_text(text)

    assert throttled_s(tmp_path) == 1.5
