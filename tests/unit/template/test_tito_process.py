"""Programs that `tito` runs: measured, ended in time, their output made harmless."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TEMPLATE = Path(__file__).resolve().parents[3] / "student_template"
sys.path.insert(0, str(TEMPLATE))  # tito is a distribution of its own

from tito import screen  # noqa: E402
from tito.process import KEPT, Ran, run  # noqa: E402

sys.path.remove(str(TEMPLATE))  # `tinytorch` stands there too; other tests have theirs


def python(code: str, folder: Path, limit_s: float = 60.0) -> Ran:
    return run([sys.executable, "-c", code], folder=folder, limit_s=limit_s)


def as_tito(code: str, folder: Path) -> Ran:
    """Run a program as `tito` does: from a process that is small itself.

    Linux counts what a process held before it became another program, so one that a
    large test worker starts seems as large.
    """
    told = subprocess.run(
        [sys.executable, "-c", STARTER, str(TEMPLATE), code, str(folder)],
        capture_output=True,
        text=True,
        check=True,
    )
    return Ran(**json.loads(told.stdout))


STARTER = """
import dataclasses, json, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tito.process import run
command = [sys.executable, "-c", sys.argv[2]]
ran = run(command, folder=Path(sys.argv[3]), limit_s=60.0)
print(json.dumps(dataclasses.asdict(ran)))
"""


def test_time_and_memory_are_of_the_program(tmp_path: Path) -> None:
    code = (
        "import time; x = b'1' * (300 << 20); s = time.process_time()\n"
        "while time.process_time() - s < 0.5: pass\n"
    )
    large, small = as_tito(code, tmp_path), as_tito("pass", tmp_path)

    assert large.code == small.code == 0
    assert large.cpu_s is not None
    assert small.cpu_s is not None
    assert 0.5 <= large.cpu_s <= large.wall_s * 1.1
    assert small.cpu_s < large.cpu_s
    assert large.peak_bytes is not None
    assert 300 << 20 < large.peak_bytes < 400 << 20


def test_the_second_program_does_not_inherit_the_peak_of_the_first(
    tmp_path: Path,
) -> None:
    """As a sum over all children would."""
    two = STARTER.replace(
        "ran =", "run([*command[:2], LARGE], folder=Path(), limit_s=9)\nran ="
    )
    two = two.replace("LARGE", repr("x = b'1' * (300 << 20)"))
    command = [sys.executable, "-c", two, str(TEMPLATE), "pass", str(tmp_path)]
    told = subprocess.run(command, capture_output=True, text=True, check=True)

    assert json.loads(told.stdout)["peak_bytes"] < 300 << 20


def test_what_runs_too_long_is_stopped_with_all_it_started(tmp_path: Path) -> None:
    """The grandchild holds the pipe open; waiting for it would last a minute."""
    code = (
        "import subprocess, sys, time\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(p.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    start = time.monotonic()
    ran = python(code, tmp_path, limit_s=2.0)

    assert ran.stopped
    assert ran.code == -signal.SIGKILL
    assert time.monotonic() - start < 30
    deadline = time.monotonic() + 10
    while Path(f"/proc/{int(ran.output)}").exists() and time.monotonic() < deadline:
        status = Path(f"/proc/{int(ran.output)}/status").read_text()
        if "State:\tZ" in status:
            break
        time.sleep(0.05)
    else:
        assert not Path(f"/proc/{int(ran.output)}").exists()


def test_what_it_leaves_behind_does_not_hold_us_up(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print('done')\n"
    )
    start = time.monotonic()
    ran = python(code, tmp_path)

    assert (ran.code, ran.output, ran.stopped) == (0, "done\n", False)
    assert time.monotonic() - start < 30


def test_only_the_end_of_much_output_is_kept(tmp_path: Path) -> None:
    ran = python("for i in range(400_000): print(i, 'x' * 20)", tmp_path)

    assert len(ran.output) == KEPT
    assert ran.output.endswith("399999 " + "x" * 20 + "\n")


INTERRUPTED = """
import signal, sys
from pathlib import Path
from tito.process import run
# A shell starts what runs behind it with this signal ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
code = (
    "import time\\n"
    "try: print('ready', flush=True); time.sleep(60)\\n"
    "except KeyboardInterrupt: print('partial report'); raise SystemExit(130)\\n"
)
ran = run([sys.executable, "-c", code], folder=Path("."), limit_s=60,
          show=lambda text: print(text, end="", flush=True))
print(ran.code, ran.interrupted)
"""


def test_ctrl_c_goes_to_the_program_which_may_end_in_order(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(TEMPLATE)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[0] == "partial report\n130 True\n"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a\x1b[2Jb\n", "a\\x1b[2Jb\n"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("over\rwritten", "over\\rwritten"),
        ("\x9b31m", "\\x9b31m"),
        ("right\u202eleft", "right\\u202eleft"),
        ("good \N{GREEK SMALL LETTER PI}", "good \N{GREEK SMALL LETTER PI}"),
    ],
)
def test_text_is_made_harmless(text: str, plain: str) -> None:
    assert screen.clean(text) == plain


def test_colours_of_a_program_may_stay_and_nothing_else() -> None:
    text = "\x1b[31mred\x1b[0m\x1b[2J\r\n"

    assert screen.clean_output(text, colour=True) == "\x1b[31mred\x1b[0m\\x1b[2J\n"
    assert screen.clean_output(text, colour=False) == "red\\x1b[2J\n"
