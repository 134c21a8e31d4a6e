"""The student's repository: what is in it, and what an update does to it."""

from __future__ import annotations

import ast
import io
import subprocess
import zipfile
from pathlib import Path

import pytest

from grader.config import find_home, load_course
from grader.errors import ConfigError
from grader.template import Release, build, plan, release, update, upto_of
from grader.template.repository import RECORD

HOME = find_home(Path(__file__).parent)
COURSE = load_course(HOME.course_file)
SOLVED = 'def softmax(x):\n    return "mine"\n'


@pytest.fixture(scope="module")
def whole() -> Release:
    return release(HOME, COURSE)


@pytest.fixture(scope="module")
def six() -> Release:
    return release(HOME, COURSE, "06")


def test_everything_is_there(whole: Release) -> None:
    for path in ("Makefile", "README.md", ".gitignore", "tito/cli.py", "hints.toml"):
        assert path in whole.files
    for module in COURSE.modules:
        assert f"tinytorch/{module.file}" in whole.files
        assert f"tests/test_{module.number}_{module.name}.py" in whole.files
    assert {p.split("/")[1] for p in whole.files if p.startswith("milestones/0")} == {
        m.folder for m in COURSE.milestones
    }
    assert "entry/README.md" in whole.files
    assert not [p for p in whole.files if "__pycache__" in p or p.endswith(".pyc")]


def bodies(text: str) -> set[str]:
    """Return the code of every function that does something, without its docstring."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and len(node.body) > 1:
            found.add("\n".join(map(ast.unparse, node.body[1:])))
    return {body for body in found if body.count("\n") >= 3}


def test_nothing_of_the_solution_is_in_it(whole: Release) -> None:
    """No body of a function with a task stands anywhere, not even in the record."""
    tasks = {t.target for m in COURSE.modules for t in m.tasks}
    secret = set()
    for path in HOME.reference.joinpath("tinytorch").glob("*.py"):
        if path.name == "base.py":  # given, as it is
            continue
        for node in ast.parse(path.read_text()).body:
            inner = node.body if isinstance(node, ast.ClassDef) else [node]
            for each in inner:
                names = [getattr(one, "name", "") for one in (node, each)]
                if ".".join(dict.fromkeys(names)) in tasks:
                    secret |= bodies(ast.unparse(each))
    assert len(secret) > 50
    for path, data in whole.files.items():
        if path.endswith(".py"):
            assert not secret & bodies(data.decode()), path


def test_later_modules_are_held_back(six: Release) -> None:
    assert "tinytorch/autograd.py" in six.files
    for path in (
        "tinytorch/optimizers.py",
        "tests/test_07_optimizers.py",
        "milestones/03_1986_mlp_revival/mlp_digits.py",
        "milestones/data/sonnets/sonnets.txt.gz",
    ):
        assert path not in six.files
    assert "milestones/02_1969_xor_crisis/xor_solved.py" in six.files
    assert not [path for path in six.files if path.startswith("entry/")]
    hints = six.files["hints.toml"].decode()
    assert '["6.' in hints
    assert '["7.' not in hints


def test_a_module_may_be_named_and_one_that_is_not_there_is_said(six: Release) -> None:
    assert release(HOME, COURSE, "autograd").digest == six.digest
    with pytest.raises(ConfigError, match="no module '21'") as caught:
        release(HOME, COURSE, "21")
    assert "20 capstone" in caught.value.hint


def test_a_solved_template_is_not_given_out(tmp_path: Path) -> None:
    for name in ("student_template", "milestones"):
        (tmp_path / name).symlink_to(HOME.folder / name)
    template = tmp_path / "student_template"
    template.unlink()
    subprocess.run(["cp", "-r", str(HOME.template), str(template)], check=True)
    setup = template / "tinytorch" / "setup.py"
    setup.write_text(setup.read_text().replace("TODO(1.1)", "done"))
    home = find_home(Path(__file__).parent)

    with pytest.raises(ConfigError, match=r"no TODO\(1\.1\)"):
        release(type(home)(tmp_path), COURSE)


def test_a_release_is_the_same_each_time(whole: Release, tmp_path: Path) -> None:
    for name in ("one", "two"):
        build(whole, tmp_path / name)

    def content(folder: Path) -> dict[str, bytes]:
        files = [p for p in folder.rglob("*") if p.is_file()]
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}

    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_it_may_be_a_git_repository_with_one_commit(
    six: Release, tmp_path: Path
) -> None:
    build(six, tmp_path / "repo", git=True)

    def git(*words: str) -> str:
        command = ["git", "-C", str(tmp_path / "repo"), *words]
        return subprocess.run(
            command, check=True, capture_output=True, text=True
        ).stdout

    assert git("rev-list", "--count", "HEAD").strip() == "1"
    assert git("status", "--porcelain") == ""


def test_a_folder_that_is_not_empty_is_left_alone(six: Release, tmp_path: Path) -> None:
    (tmp_path / "work.txt").write_text("mine")

    with pytest.raises(ConfigError, match="not empty"):
        build(six, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["work.txt"]


def test_an_update_adds_modules_and_leaves_the_student_s_code(
    six: Release, whole: Release, tmp_path: Path
) -> None:
    repo = tmp_path / "repo"
    build(six, repo)
    mine = repo / "tinytorch" / "activations.py"
    mine.write_text(SOLVED)
    (repo / "notes.md").write_text("mine")
    (repo / "tests" / "test_01_setup.py").unlink()

    steps = {s.path: s.action for s in update(whole, repo)}

    assert mine.read_text() == SOLVED
    assert steps["tinytorch/optimizers.py"] == "add"
    assert (repo / "tinytorch" / "capstone.py").is_file()
    assert steps["hints.toml"] == "replace"
    assert steps["tests/test_01_setup.py"] == "deleted"
    assert (repo / "notes.md").read_text() == "mine"
    assert {s.action for s in update(whole, repo)} == {"same", "deleted"}


def test_what_changed_in_a_file_of_theirs_lies_beside_it(
    six: Release, tmp_path: Path
) -> None:
    repo = tmp_path / "repo"
    build(six, repo, git=True)
    path = "tinytorch/tensor.py"
    own = six.files[path].replace(
        b'raise NotImplementedError("TODO 2.1:', b'pass  # "', 1
    )
    (repo / path).write_bytes(own)
    text = six.files[path].replace(b'"""', b'"""New: ', 1)
    newer = Release(six.course, six.upto, {**six.files, path: text})

    (step,) = [s for s in update(newer, repo) if s.action == "patch"]

    assert (repo / path).read_bytes() == own
    assert step.path == f"{path}.patch"
    subprocess.run(["git", "-C", str(repo), "apply", step.path], check=True)
    assert (repo / path).read_bytes() == own.replace(b'"""', b'"""New: ', 1)


def test_no_module_is_taken_back(six: Release, whole: Release, tmp_path: Path) -> None:
    build(whole, tmp_path / "repo")

    with pytest.raises(ConfigError, match="has modules up to 20"):
        update(six, tmp_path / "repo")


def test_a_dry_run_writes_nothing(six: Release, whole: Release, tmp_path: Path) -> None:
    build(six, tmp_path / "repo")
    before = (tmp_path / "repo" / RECORD).read_bytes()

    assert [s for s in update(whole, tmp_path / "repo", dry=True) if s.action == "add"]

    assert (tmp_path / "repo" / RECORD).read_bytes() == before
    assert not (tmp_path / "repo" / "tinytorch" / "optimizers.py").exists()


@pytest.mark.parametrize("place", ["tinytorch", "tinytorch/optimizers.py"])
def test_nothing_is_written_through_a_link(
    six: Release, whole: Release, tmp_path: Path, place: str
) -> None:
    repo, outside = tmp_path / "repo", tmp_path / "outside"
    build(six, repo)
    outside.mkdir()
    if (repo / place).is_dir():
        subprocess.run(["rm", "-r", str(repo / place)], check=True)
        (repo / place).symlink_to(outside)
    else:
        (repo / place).symlink_to(outside / "file")

    with pytest.raises(ConfigError, match="cannot write"):
        update(whole, repo)
    assert list(outside.iterdir()) == []


def record(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [b"", b"no zip", record({"a": b"\0" * (17 << 20)})],
    ids=["empty", "none", "bomb"],
)
def test_a_damaged_record_is_refused(
    six: Release, whole: Release, tmp_path: Path, data: bytes
) -> None:
    build(six, tmp_path / "repo")
    (tmp_path / "repo" / RECORD).write_bytes(data)

    with pytest.raises(ConfigError, match="damaged"):
        update(whole, tmp_path / "repo")


def test_a_record_may_not_name_what_lies_outside(six: Release, tmp_path: Path) -> None:
    build(six, tmp_path / "repo")
    (tmp_path / "x").write_text("outside")
    lies = record({"../x": b"outside", "a/../../x": b"outside"})
    (tmp_path / "repo" / RECORD).write_bytes(lies)

    with pytest.raises(ConfigError, match="leads out of it"):
        update(six, tmp_path / "repo", dry=True)


def test_without_a_number_no_further_module_is_given(
    six: Release, tmp_path: Path
) -> None:
    build(six, tmp_path / "repo")

    assert upto_of(tmp_path / "repo") == "06"


def test_a_folder_that_we_did_not_build_is_refused(
    six: Release, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="has no"):
        update(six, tmp_path)


def test_a_file_that_is_no_text_lies_beside_whole() -> None:
    (step,) = plan({"a": b"\xff1"}, {"a": b"\xff2"}, {"a": b"\xff3"})

    assert (step.path, step.data) == ("a.new", b"\xff2")
