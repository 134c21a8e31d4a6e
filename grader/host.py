"""What this machine is, for the record of a measurement."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from grader.models.measure import Host


def describe_host() -> Host:
    """Return processor, kernel, Python, numpy and BLAS of this machine."""
    return Host(
        cpu=_cpu_model(),
        cores=psutil.cpu_count() or 1,
        kernel=platform.release(),
        python=platform.python_version(),
        numpy=np.__version__,
        blas=_blas(),
        image=os.environ.get("GRADER_IMAGE_DIGEST", ""),
    )


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [x.split(":", 1)[1].strip() for x in lines if x.startswith("model name")]
    return names[0] if names else platform.machine()


def _blas() -> str:
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()
