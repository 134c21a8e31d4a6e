"""What was measured, always from outside the process measured."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from grader.models.base import Model


class Sample(Model):
    """One reading of a process tree."""

    wall_s: float
    cpu_s: float
    rss_bytes: int  # above the baseline of an idle sandbox, summed over the tree


class Usage(Model):
    """Time and memory of one process tree, read by the trusted side."""

    cpu_s: float
    wall_s: float
    peak_rss_bytes: int  # above the baseline of an idle sandbox
    curve: tuple[Sample, ...] = ()


class Limits(Model):
    """Limits of one run in the sandbox; memory is stated above the idle baseline."""

    cpu_s: float = 5.0
    wall_s: float = 20.0
    memory_bytes: int = 512 * 2**20
    processes: int = 32
    output_bytes: int = 2**20
    frame_bytes: int = 64 * 2**20
    file_bytes: int = 64 * 2**20  # of one file; no check of the course writes 1 MiB


class ContainerLimits(Model):
    """What one container may use; the judge inside has stricter ones per check."""

    memory_bytes: int = Field(default=3 * 2**30, gt=0)  # and no swap beside it
    processes: int = Field(default=256, gt=0)
    cpus: float = Field(default=1.0, gt=0)
    tmp_bytes: int = Field(default=512 * 2**20, gt=0)  # counts as memory when filled
    tmp_inodes: int = Field(default=65_536, gt=0)
    deadline_s: float = Field(default=1800.0, gt=0)  # a backstop: the judge has its own
    stdout_bytes: int = Field(default=32 * 2**20, gt=0)
    stderr_bytes: int = Field(default=64 * 2**10, gt=0)


Tier = Literal["docker", "uid", "namespaces", "none"]


class Isolation(Model):
    """The wall a submission ran behind."""

    tier: Tier
    features: tuple[str, ...] = ()  # "uid-switch", "network-namespace", "seccomp", ...


class Host(Model):
    """Where a grading was measured."""

    cpu: str
    cores: int
    kernel: str
    python: str
    numpy: str
    blas: str
    image: str = ""  # digest of the container image, if any
