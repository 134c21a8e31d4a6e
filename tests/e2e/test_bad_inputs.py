"""Each thing that can be wrong with a submission has one clear outcome."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from grader_command import (
    REFERENCE,
    Done,
    Grader,
    copied,
    modules,
    small_course,
)

from grader.intake.limits import ARCHIVE_BYTES, FILE_BYTES
from grader.models.outcome import (
    Crashed,
    Inconclusive,
    Limit,
    LimitExceeded,
    NotImplementedYet,
    Outcome,
    Passed,
    Raised,
)

# The shortest limits under which an honest import passes on a loaded machine.
HURRY = [("[limits.load]", "[limits.load] # hurried"), ("cpu_s = 5.0", "cpu_s = 2.0")]
BUILTIN_CRASH = b"import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n"


def missing(folder: Path) -> Path:
    return folder / "nowhere"


def empty_folder(folder: Path) -> Path:
    return folder


def empty_file(folder: Path) -> Path:
    path = folder / "handed-in.zip"
    path.write_bytes(b"")
    return path


def empty_archive(folder: Path) -> Path:
    path = folder / "handed-in.zip"
    zipfile.ZipFile(path, "w").close()
    return path


def not_an_archive(folder: Path) -> Path:
    path = folder / "essay.zip"
    path.write_bytes(b"Dear grader, I have not finished yet.\n" * 20)
    return path


def loose_files(folder: Path) -> Path:
    (folder / "tensor.py").write_bytes(b"class Tensor: pass\n")
    return folder


def large_file(folder: Path) -> Path:
    return copied(REFERENCE, folder, {"weights.py": b"#" * (FILE_BYTES + 1)})


def large_archive(folder: Path) -> Path:
    path = folder / "handed-in.tar.gz"
    with path.open("wb") as file:
        file.truncate(ARCHIVE_BYTES + 1)
    return path


def link(folder: Path) -> Path:
    copied(REFERENCE, folder, {"setup.py": None})
    (folder / "tinytorch" / "setup.py").symlink_to("/etc/passwd")
    return folder


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (missing, "there is no submission at"),
        (empty_folder, "has no folder tinytorch/"),
        (empty_file, "the archive is empty"),
        (empty_archive, "has no folder tinytorch/"),
        (not_an_archive, "no archive that can be read"),
        (loose_files, "has no folder tinytorch/"),
        (large_file, "tinytorch/weights.py is larger than 256 KiB"),
        (large_archive, "the archive is larger than 50 MiB"),
        (link, "tinytorch/setup.py is a link"),
    ],
)
def test_what_cannot_be_taken_in_is_refused(
    make: Callable[[Path], Path], told: str, grader: Grader, tmp_path: Path
) -> None:
    done = grader.here("grade", make(tmp_path), "--round", "one")

    assert done.code == 1
    assert done.out == ""
    first, hint = done.err.splitlines()
    assert first.startswith("error[submission]: ")
    assert told in first
    assert hint.startswith("  hint: ")


def test_a_package_without_python_is_graded_and_has_nothing(
    grader: Grader, tmp_path: Path
) -> None:
    (tmp_path / "tinytorch").mkdir()
    (tmp_path / "tinytorch" / "notes.txt").write_text("to be written")

    done = grader.grade(tmp_path, *modules("setup", "tensor"))

    verdict = done.report.verdict
    assert done.code == 0, done.err
    assert verdict.earned == 0
    assert "tinytorch/ holds no Python files" in verdict.notes
    assert {type(o) for o in done.outcomes.values()} == {NotImplementedYet}


@pytest.fixture(scope="module")
def trouble(
    grader: Grader, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Done]:
    """One package, four of whose files cannot be imported, each in another way."""
    course = small_course(tmp_path_factory.mktemp("hurried") / "course", HURRY)
    hurried = Grader(grader.state, course)
    changes: dict[str, bytes | None] = {
        "setup.py": b"raise SystemExit(0)\n",
        "activations.py": b"while True:\n    pass\n",
        "layers.py": b"import os\nos._exit(0)\n",
        "losses.py": BUILTIN_CRASH,
        "training.py": b"# caf\xe9\n",
        "optimizers.py": b"def step(:\n",
    }
    package = copied(REFERENCE, tmp_path_factory.mktemp("trouble"), changes)
    names = ["setup", "tensor", "activations", "layers", "losses"]
    done = hurried.grade(package, *modules(*names, "optimizers", "training"))
    return lambda: done


def first_of(done: Done, module: str) -> Outcome:
    return next(c.outcome for n, c in done.checks.items() if n.startswith(module))


def test_trouble_at_import_is_data_and_the_grading_goes_on(
    trouble: Callable[[], Done],
) -> None:
    done = trouble()

    assert done.code == 0, done.err
    assert done.earned["tensor"] == (60, 60)
    assert {n for n, (earned, _) in done.earned.items() if earned} == {"tensor"}
    outcomes = done.outcomes.values()
    assert not any(isinstance(o, Inconclusive) for o in outcomes)


def test_an_exit_at_import_is_told(trouble: Callable[[], Done]) -> None:
    outcome = first_of(trouble(), "setup")

    assert isinstance(outcome, Raised)
    assert outcome.error == "SystemExit"
    assert "must not end the program" in outcome.hint


def test_a_hang_at_import_is_stopped(trouble: Callable[[], Done]) -> None:
    outcome = first_of(trouble(), "activations")

    assert isinstance(outcome, LimitExceeded)
    assert outcome.which is Limit.CPU
    assert outcome.limit == "2 s of CPU time"
    assert outcome.where == "at import"


@pytest.mark.parametrize("module", ["layers", "losses"])
def test_an_interpreter_that_dies_at_import_is_told(
    trouble: Callable[[], Done], module: str
) -> None:
    outcome = first_of(trouble(), module)

    assert isinstance(outcome, Crashed)
    assert outcome.where == "at import"


def test_a_file_that_is_not_utf8_is_told(trouble: Callable[[], Done]) -> None:
    assert "not UTF-8: tinytorch/training.py" in trouble().report.verdict.notes


def test_other_modules_do_not_suffer(grader: Grader, tmp_path: Path) -> None:
    """A file in another encoding costs its own module alone."""
    text = (REFERENCE / "tinytorch" / "losses.py").read_bytes()
    broken = text + b"PLACE = 'caf\xe9'\n"
    package = copied(REFERENCE, tmp_path, {"losses.py": broken})

    done = grader.grade(package, *modules("layers", "losses"))

    assert {type(o) for n, o in done.outcomes.items() if n.startswith("layers")} == {
        Passed
    }
    outcome = first_of(done, "losses")
    assert isinstance(outcome, Raised)
    assert outcome.error == "SyntaxError"
    assert "losses.py" in outcome.where + outcome.message
