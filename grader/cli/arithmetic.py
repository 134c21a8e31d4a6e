"""Compute an answer pack's questions alike on every x86-64 processor with AVX2.

numpy and OpenBLAS choose their code by the processor, and the last bits of a product
follow. A question of which one bit differs is not the one that was recorded. So the
judge of a pack, which puts the questions, uses the code of one kind of processor,
where it is made and where it is used; the packages that are asked compute as always.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

DONE: Final = "GRADER_PLAIN_ARITHMETIC"
WIDER: Final = ("AVX512", "X86_V4")  # what is left out, under both of numpy's names


def wanted(arguments: Sequence[str]) -> bool:
    """Return whether a command makes or uses a pack."""
    named = any(a == "--pack" or a.startswith("--pack=") for a in arguments)
    return named or list(arguments[:2]) == ["pack", "build"]


def settings(simd: dict[str, list[str]], flags: Sequence[str]) -> dict[str, str]:
    """Return the environment that chooses the code; empty where there is no choice.

    Args:
        simd: "SIMD Extensions" of numpy's configuration.
        flags: of the processor, as /proc/cpuinfo has them.
    """
    if not {"avx2", "fma"} <= set(flags):
        return {}
    left_out = [name for name in simd.get("found", []) if name.startswith(WIDER)]
    return {
        DONE: "1",
        "OPENBLAS_CORETYPE": "Haswell",
        "NPY_DISABLE_CPU_FEATURES": " ".join(left_out),
    }


def start_again_plain() -> None:
    """Replace this process by one with that environment, unless it has it already."""
    if os.environ.get(DONE):
        return
    import numpy as np  # noqa: PLC0415 -- few commands come here

    config: Any = np.show_config(mode="dicts")
    chosen = settings(config.get("SIMD Extensions", {}), _flags())
    if chosen:
        command = [sys.executable, "-m", "grader.cli.main", *sys.argv[1:]]
        os.execve(sys.executable, command, os.environ | chosen)  # noqa: S606


def _flags() -> list[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf8").splitlines()
    except OSError:
        return []
    found = [line.split(":", 1)[1] for line in lines if line.startswith("flags")]
    return found[0].split() if found else []
