"""`tito` as a student types it, in a repository with modules up to 04."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tito_students import COURSE, HOME, built, one_error, solve, tito

from grader.template import build, release

PROGRESS = ".tito/progress.json"
COMMANDS = [
    *(("ci",), ("ci", "test"), ("ci", "results")),
    *(("checkpoint",), ("checkpoint", "status"), ("module",), ("module", "list")),
    *(("module", "info"), ("module", "test"), ("module", "complete"), ("milestone",)),
    *(("milestone", "list"), ("milestone", "info"), ("milestone", "run")),
    *(("benchmark",), ("hint",), ("doctor",), ("submit",), ("completion",), ()),
    *(("login",), ("status",)),
]


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("untouched") / "repo", "04")


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Modules 01 to 04 are right; 02 to 04 are complete."""
    project = built(tmp_path_factory.mktemp("four") / "repo", "04")
    solve(project, "setup", "tensor", "activations", "layers")
    for name in ("03_activations", "layers"):
        done = tito(project, "module", "complete", name)
        assert done.returncode == 0, done.stdout + done.stderr
    return project


@pytest.fixture
def student(four: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(four, tmp_path / "repo"))


@pytest.fixture
def fresh(untouched: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(untouched, tmp_path / "repo"))


def status(project: Path) -> dict[str, str]:
    """Return the lines of the timeline by what stands first in them."""
    done = tito(project, "checkpoint", "status", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    line = re.compile(r"^  \[.\] +(\d\d|milestone \d\d)\b.*$", re.MULTILINE)
    found = {match[1]: match[0] for match in line.finditer(done.stdout)}
    assert len(found) == 26
    return found


def noted(project: Path) -> dict[str, Any]:
    return json.loads((project / PROGRESS).read_text())


def edit(project: Path, file: str, text: str = "\n# an edit\n") -> None:
    with (project / "tinytorch" / file).open("a") as handle:
        handle.write(text)


# Help and names


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(
    untouched: Path, words: tuple[str, ...]
) -> None:
    done = tito(untouched, *words, "--help")

    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 80
    if "Commands:" not in done.stdout:
        assert f"Example: tito {' '.join(words)}" in done.stdout


@pytest.mark.parametrize("name", ["2", "02", "tensor", "02_tensor"])
def test_a_module_has_four_names(untouched: Path, name: str) -> None:
    done = tito(untouched, "module", "info", name)

    assert done.returncode == 0
    assert done.stdout.startswith("02_tensor   Tensor\n")
    assert "TODO  Tensor.matmul" in done.stdout


@pytest.mark.parametrize("name", ["1", "01", "perceptron", "01_1957_perceptron"])
def test_a_milestone_has_four_names(untouched: Path, name: str) -> None:
    done = tito(untouched, "milestone", "info", name)

    assert done.returncode == 0
    assert done.stdout.startswith("01_perceptron   1957: The perceptron\n")
    assert "1 s of CPU, 120 MiB" in done.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("module", "complete", "99"), "no module '99'"),
        (("module", "info", "\x1b[2J"), r"no module '\x1b[2J'"),
        (("module", "info", "²"), "no module"),
        (("module", "info", ""), "no module ''"),
        (("module", "complete", "06"), "06_autograd is not released yet"),
        (("module", "test", "06"), "no public checks for a module '06'"),
        (("milestone", "run", "7"), "no milestone '7'"),
        (("milestone", "run", "02"), "02_xor is not released yet"),
        (("milestone", "run", "01", "--script", "x.py"), "no script 'x.py'"),
        (("benchmark", "no"), "no module 'no'"),
        (("hint", "2.99"), "no hint for task '2.99'"),
    ],
)
def test_a_name_that_means_nothing_is_a_usage_error(
    untouched: Path, words: tuple[str, ...], says: str
) -> None:
    done = tito(untouched, *words)

    assert says in one_error(done)[0]
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize(
    "words", [("nonsense",), ("module", "nonsense"), ("hint",), ("completion", "tcsh")]
)
def test_a_command_that_is_none_is_a_usage_error(
    untouched: Path, words: tuple[str, ...]
) -> None:
    assert tito(untouched, *words).returncode == 2


def test_outside_of_a_repository_it_says_where_to_go(tmp_path: Path) -> None:
    path = str(Path(__file__).resolve().parents[3] / "student_template")
    for words in (("checkpoint", "status"), ("module", "list"), ("doctor",)):
        done = tito(tmp_path, *words, PYTHONPATH=path)
        assert "no folder tinytorch/" in one_error(done)[0]
        assert done.returncode == 1


# The timeline


def test_an_untouched_repository_has_everything_before_it(untouched: Path) -> None:
    found = status(untouched)

    assert "not started" in found["01"]
    assert "not started" in found["02"]
    assert "blocked by 02" in found["03"]
    assert "blocked by 02, 03, 04" in found["milestone 01"]
    assert "to come" in found["05"]
    assert "to come" in found["milestone 06"]


def test_what_is_done_what_is_begun_and_what_waits(student: Path) -> None:
    text = (student / "tinytorch/setup.py").read_text()
    assert "NotImplementedError" not in text
    found = status(student)
    day = noted(student)["modules"]["tensor"]["at"][:10]

    assert re.match(rf"  \[x\] 02  Tensor +done +{day}$", found["02"])
    assert "done" in found["04"]
    assert "stubs 1/1" in found["01"]
    assert "not started" in found["milestone 01"]
    last = tito(student, "checkpoint", "status").stdout.splitlines()[-1]
    assert last == "next: tito milestone run 01"


@pytest.mark.parametrize("upto", ["04", "20"])
def test_the_timeline_fits_a_terminal(tmp_path: Path, upto: str) -> None:
    project = built(tmp_path / "repo", upto)
    solve(project, "autograd")  # begun before what it needs: the longest line
    lines = tito(project, "checkpoint", "status").stdout.splitlines()

    assert max(map(len, lines)) <= 80
    assert len(lines) == 4 + 20 + 6 + 1


def test_without_a_terminal_there_is_no_colour_and_ascii_is_enough(
    untouched: Path,
) -> None:
    words = ("checkpoint", "status")
    usual = tito(untouched, *words, PYTHONIOENCODING="utf-8")
    ascii_ = tito(untouched, *words, PYTHONIOENCODING="ascii")
    dumb = tito(untouched, *words, TERM="dumb")

    assert "\x1b" not in usual.stdout + ascii_.stdout + dumb.stdout
    assert "\u25cb 01  Setup" in usual.stdout
    assert ascii_.stdout.isascii()
    assert ascii_.stdout == dumb.stdout


def on_a_terminal(project: Path, **variables: str) -> str:
    """Return what `tito checkpoint status` writes to a terminal."""
    ours, theirs = pty.openpty()
    kept = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    try:
        subprocess.run(
            [sys.executable, "-m", "tito", "checkpoint", "status"],
            cwd=project,
            env=kept | {"TERM": "xterm", "PYTHONIOENCODING": "utf-8"} | variables,
            stdout=theirs,
            check=True,
            timeout=60,
        )
    finally:
        os.close(theirs)
    data = b""
    try:
        while piece := os.read(ours, 65536):
            data += piece
    except OSError:  # the other end is closed
        pass
    finally:
        os.close(ours)
    return data.decode()


def test_a_terminal_gets_colour_unless_it_is_dumb_or_not_wanted(
    untouched: Path,
) -> None:
    assert "\x1b[36m" in on_a_terminal(untouched)
    assert "\x1b" not in on_a_terminal(untouched, NO_COLOR="1")
    assert "\x1b" not in on_a_terminal(untouched, TERM="dumb")


def test_due_dates_are_shown_until_all_is_done(tmp_path: Path) -> None:
    due = {"setup": date(2026, 10, 5), "autograd": date(2026, 11, 1)}
    due["perceptron"] = date(2026, 12, 24)
    made = release(HOME, COURSE, "04", due)
    build(made, tmp_path / "repo")
    found = status(tmp_path / "repo")

    assert found["01"].endswith("not started  due 2026-10-05")
    assert found["06"].endswith("to come  due 2026-11-01")
    assert found["milestone 01"].endswith("blocked by 02, 03, 04  due 2026-12-24")
    info = tito(tmp_path / "repo", "milestone", "info", "01").stdout
    assert "due      2026-12-24" in info


# Completion


def test_completion_notes_what_passed_with_its_prerequisites(student: Path) -> None:
    data = noted(student)

    assert data["schema_version"] == 1
    assert set(data["modules"]) == {"tensor", "activations", "layers"}
    row = data["modules"]["layers"]
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", row["digest"])
    assert {"tinytorch/layers.py", "tinytorch/tensor.py", "tinytorch/base.py"} <= set(
        row["files"]
    )
    assert "tinytorch/activations.py" not in row["files"]
    assert row["checks"] >= 5
    assert [p.name for p in (student / ".tito").iterdir()] == ["progress.json"]


def test_an_edit_shows_as_stale_and_undoing_it_as_done(student: Path) -> None:
    whole = (student / "tinytorch/tensor.py").read_bytes()
    edit(student, "tensor.py")
    found = status(student)

    for number in ("02", "03", "04"):
        assert re.search(r"\[!\].* stale .*edited: tensor\.py", found[number])
    (student / "tinytorch/tensor.py").write_bytes(whole)
    assert " done " in status(student)["04"]


def test_an_edit_elsewhere_leaves_a_module_done(student: Path) -> None:
    edit(student, "layers.py")
    found = status(student)

    assert " done " in found["02"]
    assert " done " in found["03"]
    assert " stale " in found["04"]


def test_a_helper_of_ones_own_counts_where_it_is_used(student: Path) -> None:
    """Also when it is used by a helper; a file that nothing names counts nowhere."""
    (student / "tinytorch/inner.py").write_text("x = 1\n")
    (student / "tinytorch/outer.py").write_text("from tinytorch import inner\n")
    assert all(" done " in status(student)[number] for number in ("02", "03", "04"))

    edit(student, "layers.py", "\nfrom tinytorch import outer\n")
    assert tito(student, "module", "complete", "04").returncode == 0
    edit(student, "inner.py")
    found = status(student)
    assert "edited: inner.py" in found["04"]
    assert " done " in found["02"]
    assert " done " in found["03"]


def test_unwritten_code_is_not_complete(fresh: Path) -> None:
    done = tito(fresh, "module", "complete", "01")

    error, hint = one_error(done)
    assert error == "01_setup is not complete: 5 not written yet"
    assert "tito module test 01_setup" in hint
    assert "TODO 1.1: system_info" in done.stdout
    assert done.returncode == 1
    assert not (fresh / PROGRESS).exists()


def test_a_prerequisite_that_fails_is_named_and_what_passed_is_noted(
    student: Path,
) -> None:
    (student / PROGRESS).unlink()
    edit(student, "layers.py", "\n\nclass Linear:\n    pass\n")
    done = tito(student, "module", "complete", "layers")

    assert re.match(r"04_layers is not complete: \d+ failed", one_error(done)[0])
    assert set(noted(student)["modules"]) == {"tensor"}
    edit(student, "tensor.py", "\n\nclass Tensor:\n    pass\n")
    done = tito(student, "module", "complete", "04")
    assert "it rests on 02_tensor: " in one_error(done)[0]
    assert len(done.stdout.splitlines()) < 50  # and not all of thirty failures
    assert done.returncode == 1


def test_an_endless_module_is_stopped(fresh: Path) -> None:
    (fresh / "tinytorch/setup.py").write_text("while True:\n    pass\n")
    done = tito(fresh, "module", "complete", "01", "--limit", "3")

    assert one_error(done)[0] == "01_setup is not complete: stopped after 3 s"


def test_an_edit_while_checks_run_is_not_noted(fresh: Path) -> None:
    solve(fresh, "setup")
    with (fresh / "tests/test_01_setup.py").open("a") as file:
        file.write(
            "\n\ndef test_1_1_edits():\n"
            "    open('tinytorch/setup.py', 'a').write('# more')\n"
        )
    done = tito(fresh, "module", "complete", "01")

    assert "edited while the checks ran" in one_error(done)[0]
    assert not (fresh / PROGRESS).exists()


def test_another_package_in_the_environment_is_not_what_is_checked(
    fresh: Path,
) -> None:
    reference = Path(__file__).resolve().parents[3] / "reference"
    done = tito(fresh, "module", "test", "01", TINYTORCH_PACKAGE=str(reference))

    assert "5 todo" in done.stdout or "1 todo" in done.stdout
    assert done.returncode == 1


@pytest.mark.parametrize("text", ["{", "[]", '{"schema_version": 2}', "[" * 100_000])
def test_damaged_notes_are_one_clear_error(fresh: Path, text: str) -> None:
    (fresh / ".tito").mkdir()
    (fresh / PROGRESS).write_text(text)
    done = tito(fresh, "checkpoint", "status")

    error, hint = one_error(done)
    assert "progress.json is damaged" in error
    assert "Delete it" in hint
    assert done.returncode == 1


def test_notes_that_cannot_be_written_are_said(fresh: Path) -> None:
    solve(fresh, "setup")
    (fresh / ".tito").write_text("a file where the folder belongs")
    done = tito(fresh, "module", "complete", "01")

    assert "cannot be" in one_error(done)[0]
    assert done.returncode == 1


def test_what_code_prints_reaches_the_terminal_as_text(fresh: Path) -> None:
    test = (
        "def test_1_1_a():\n"
        "    print('\\x1b[2J\\x1b]0;mine\\x07', flush=True)\n"
        "    assert 0\n"
    )
    (fresh / "tests/test_01_setup.py").write_text(test)
    for words in (("test", "01"), ("complete", "01")):
        done = tito(fresh, "module", *words)
        assert done.returncode == 1
        assert "\\x1b[2J" in done.stdout
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", done.stdout + done.stderr)


# Milestones


def test_a_milestone_waits_for_its_modules(fresh: Path) -> None:
    done = tito(fresh, "milestone", "run", "01")

    error, hint = one_error(done)
    assert error.endswith("is blocked by 02_tensor, 03_activations, 04_layers")
    assert "tito module complete 02_tensor" in hint
    assert (done.returncode, done.stdout) == (1, "")


def test_a_milestone_may_be_tried_anyway_and_is_not_noted(fresh: Path) -> None:
    done = tito(fresh, "milestone", "run", "01", "--anyway")

    assert re.search(r"^needs module 0\d \w+: TODO", done.stdout, re.MULTILINE)
    assert done.returncode == 1
    assert not (fresh / PROGRESS).exists()


def test_a_milestone_runs_and_its_outcome_is_noted(student: Path) -> None:
    one = tito(student, "milestone", "run", "01", "--script", "forward_pass.py")
    assert one.returncode == 0, one.stdout + one.stderr
    assert "scripts 1/2" in status(student)["milestone 01"]

    below = student / "milestones"
    both = tito(below, "milestone", "run", "01", PYTHONPATH=str(student))
    assert both.returncode == 0, both.stdout + both.stderr
    assert "-- perceptron_trained.py: as it should be (" in both.stdout
    assert " done " in status(student)["milestone 01"]
    rows = noted(student)["milestones"]["perceptron"]
    assert {file: row["code"] for file, row in rows.items()} == {
        "forward_pass.py": 0,
        "perceptron_trained.py": 0,
    }

    edit(student, "layers.py")
    assert " stale " in status(student)["milestone 01"]
    again = tito(student, "milestone", "run", "01", "--script", "forward_pass.py")
    assert "edited since its checks passed: 04_layers" in again.stdout


def test_a_milestone_that_fails_is_noted_as_such(student: Path) -> None:
    script = student / "milestones/01_1957_perceptron/forward_pass.py"
    script.write_text("print('\\x1b[2J')\nraise SystemExit(1)\n")
    done = tito(student, "milestone", "run", "01")

    assert done.returncode == 1
    assert "\\x1b[2J" in done.stdout
    assert "\x1b" not in done.stdout
    assert "target missed" in done.stdout
    assert "in progress  scripts 0/2" in status(student)["milestone 01"]


def test_scripts_that_need_fetched_data_are_left_out_and_said(tmp_path: Path) -> None:
    project = built(tmp_path / "repo", "08")
    folder = project / "milestones/03_1986_mlp_revival"
    for script in folder.glob("*.py"):
        script.write_text("print('here')\n")
    (project / ".tito").mkdir()
    row = {"at": "2026-10-05T10:00:00+00:00", "digest": "", "files": {}, "checks": 1}
    names = ("tensor", "activations", "layers", "losses", "autograd", "optimizers")
    modules = dict.fromkeys((*names, "training"), row)
    notes = {"schema_version": 1, "modules": modules, "milestones": {}}
    (project / PROGRESS).write_text(json.dumps(notes))

    done = tito(project, "milestone", "run", "03")
    assert done.returncode == 0, done.stderr
    assert "-- mlp_digits.py\n" in done.stdout
    assert "left out: mlp_mnist.py needs mnist" in done.stdout
    full = tito(project, "milestone", "run", "03", "--full")
    assert "-- mlp_mnist.py\n" in full.stdout
    assert "left out" not in full.stdout


# The rest


def test_benchmark_sets_what_was_measured_beside_the_limits(student: Path) -> None:
    done = tito(student, "benchmark", "02", "--milestone", "01")

    assert done.returncode == 0, done.stdout + done.stderr
    line = r"{} +[\d.]+ s +[\d.]+ s +(\d+) MiB  {}"
    assert re.search(line.format("02_tensor", r"\d+ passed"), done.stdout)
    found = re.search(
        line.format("milestone 01", r"reached; trained [\d.]+ of 1 s"),
        done.stdout,
    )
    assert found is not None
    assert 20 < int(found[1]) < 120
    assert "advice" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_benchmark_of_nothing_says_what_to_name(fresh: Path) -> None:
    done = tito(fresh, "benchmark")

    assert "tito benchmark 02" in done.stdout
    assert done.returncode == 0


def test_hints_come_one_at_a_time(untouched: Path) -> None:
    one, two = tito(untouched, "hint", "2.4"), tito(untouched, "hint", "2.4", "--more")

    assert "tito hint 2.4 --more" in one.stdout
    assert "treats leading axes" not in " ".join(one.stdout.split())
    assert "treats leading axes" in " ".join(two.stdout.split())


def test_doctor_says_what_is_wrong_and_what_to_do(fresh: Path) -> None:
    good = tito(fresh, "doctor", PYTHONPATH=str(fresh), OMP_NUM_THREADS="3")
    assert good.returncode == 0, good.stdout
    for what in ("Python", "numpy", "pytest", "click", "git", "system"):
        assert re.search(rf"^(ok|note) +{what} ", good.stdout, re.MULTILINE)
    assert "this repository's is found from everywhere" in good.stdout
    assert "ok     threads     OMP_NUM_THREADS=3" in good.stdout

    (fresh / "tests/conftest.py").unlink()
    other = fresh.parent / "other"
    shutil.copytree(fresh / "tinytorch", other / "tinytorch")
    bad = tito(fresh, "doctor", PYTHONPATH=str(other))
    assert bad.returncode == 1
    assert re.search(
        r"^WRONG  tinytorch +another one is found", bad.stdout, re.MULTILINE
    )
    assert re.search(
        r"^WRONG  repository +without tests/conftest.py", bad.stdout, re.MULTILINE
    )


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(untouched: Path, shell: str) -> None:
    done = tito(untouched, "completion", shell)

    assert (done.returncode, done.stderr) == (0, "")
    assert f"_TITO_COMPLETE={shell}_complete" in done.stdout


def test_bash_completes_commands_and_modules(untouched: Path, tmp_path: Path) -> None:
    """In a real shell, with a `tito` on its path."""
    program = tmp_path / "tito"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tito "$@"\n')
    program.chmod(0o755)
    script = (
        'source <(tito completion bash)\nCOMP_WORDS=(tito module complete "0")\n'
        'COMP_CWORD=3\n_tito_completion tito\necho "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=untouched,
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.stdout == "01_setup 02_tensor 03_activations 04_layers\n", done.stderr


def test_make_has_thin_targets(untouched: Path) -> None:
    def make(target: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", target, f"PYTHON={sys.executable}"],
            cwd=untouched,
            env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    assert "modules 0 of 20 done" in make("status").stdout
    assert "repository" in make("doctor").stdout
    complete = make("complete-01")
    assert "01_setup is not complete" in complete.stderr
    assert complete.returncode == 2


# Ctrl-C, and files that are not what they should be


@pytest.mark.parametrize(
    "words",
    [
        ("module", "complete", "01"),
        ("module", "test", "01"),
        ("benchmark", "01"),
        ("submit", "--student", "ada"),
    ],
    ids=" ".join,
)
def test_ctrl_c_ends_it_with_nothing_noted_or_handed_in(
    fresh: Path, words: tuple[str, ...]
) -> None:
    slow = (
        "import time\n\n"
        "def test_1_1_a():\n    open('begun', 'w').close()\n    time.sleep(60)\n"
    )
    (fresh / "tests/test_01_setup.py").write_text(slow)
    for path in (fresh / "tests").glob("test_0[2-9]*.py"):
        path.unlink()
    # A shell starts what runs behind it with this signal ignored.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from tito.cli import main; main(prog_name='tito')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, *words],
        cwd=fresh,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = time.monotonic() + 60
        while not (fresh / "begun").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=30)

    assert (process.returncode, err) == (130, "interrupted\n")
    assert not (fresh / PROGRESS).exists()
    assert not (fresh / "submissions").exists()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (".student", ("submit", "--skip-tests")),
        ("tinytorch/tensor.py/x", ("checkpoint", "status")),
        ("hints.toml/x", ("hint", "2.1")),
        ("tito/course.json/x", ("module", "complete", "01")),
        (".tito/progress.json/x", ("checkpoint", "status")),
    ],
)
def test_a_folder_in_place_of_a_file_is_one_clear_error(
    fresh: Path, path: str, words: tuple[str, ...]
) -> None:
    place = fresh / path.removesuffix("/x")
    place.unlink(missing_ok=True)
    place.mkdir(parents=True)
    done = tito(fresh, *words)

    if path == "tinytorch/tensor.py/x":  # a folder of that name holds no code
        assert "02  Tensor" in done.stdout
    else:
        one_error(done)
        assert done.returncode == 1


def test_a_terminal_that_lacks_a_character_gets_it_spelled(fresh: Path) -> None:
    text = (fresh / "hints.toml").read_text(encoding="utf-8")
    text = text.replace('target = "system_info"', 'target = "\u03c0"')
    (fresh / "hints.toml").write_text(text, encoding="utf-8")
    # For ASCII, click writes UTF-8: it takes that for a terminal that was not asked.
    done = tito(fresh, "hint", "1.1", PYTHONIOENCODING="latin-1")

    assert done.stdout.startswith("1.1  \\u03c0\n")
    assert done.returncode == 0
