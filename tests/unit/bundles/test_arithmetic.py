"""Which code computes an answer pack's questions."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from grader.cli import arithmetic

NEW = {"baseline": ["X86_V2"], "found": ["X86_V3", "X86_V4", "AVX512_ICL"]}
OLD = {"baseline": ["SSE3"], "found": ["AVX2", "FMA3", "AVX512F", "AVX512_SKX"]}
FLAGS = ["sse4_2", "avx2", "fma", "avx512f"]


@pytest.mark.parametrize(
    ("simd", "left_out"),
    [(NEW, "X86_V4 AVX512_ICL"), (OLD, "AVX512F AVX512_SKX"), ({}, "")],
)
def test_wider_vectors_are_left_out(simd: dict[str, list[str]], left_out: str) -> None:
    chosen = arithmetic.settings(simd, FLAGS)

    assert chosen["NPY_DISABLE_CPU_FEATURES"] == left_out
    assert chosen["OPENBLAS_CORETYPE"] == "Haswell"


def test_a_processor_without_avx2_keeps_its_own_code() -> None:
    assert arithmetic.settings(NEW, ["sse4_2"]) == {}


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["pack", "build", "week-1", "x.pack"], True),
        (["grade", "--pack", "x.pack", "folder"], True),
        (["grade", "--pack=x.pack", "folder"], True),
        (["grade", "folder"], False),
        (["pack", "show", "x.pack"], False),
    ],
)
def test_only_packs_ask_for_it(arguments: list[str], wanted: bool) -> None:
    assert arithmetic.wanted(arguments) is wanted


def test_the_process_that_goes_on_has_the_settings() -> None:
    """Replaced at most once, with its arguments; here by a program that shows them."""
    program = (
        "import os, sys\n"
        "from grader.cli import arithmetic\n"
        "arithmetic.settings = lambda *_: {arithmetic.DONE: '1', 'CHOSEN': 'x'}\n"
        "os.execve = lambda _, command, env: print(command[1:], env['CHOSEN'])\n"
        "arithmetic.start_again_plain()\n"
        "os.environ[arithmetic.DONE] = '1'\n"
        "arithmetic.start_again_plain()\n"
    )
    env = {k: v for k, v in os.environ.items() if k != arithmetic.DONE}
    done = subprocess.run(
        [sys.executable, "-c", program, "grade", "--pack", "x"],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "['-m', 'grader.cli.main', 'grade', '--pack', 'x'] x\n"
