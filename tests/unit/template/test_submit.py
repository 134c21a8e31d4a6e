"""`make submit` and `tito`: what a student hands in is what the grader takes in."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tito.bundle import bundle
from tito.deliver import deliver
from tito.errors import TitoError
from tito.package import Source, collect, digest_of
from tito_here import TEMPLATE
from tito_here import tito_here as tito

from grader.errors import SubmissionRejectedError
from grader.intake import open_bytes, open_submission, pack
from grader.intake.bundle import digest_of as grader_digest
from grader.models.submission import SourceFile

GOOD = {
    "tinytorch/__init__.py": b"",
    "tinytorch/sub/a.py": b"x = 1\n",
    "tinytorch/tensor.py": b"class Tensor:\n    pass\n",
}
SOURCES = [Source(path, data) for path, data in GOOD.items()]
NAME = re.compile(r"ada-\d{8}T\d{6}Z-[0-9a-f]{8}\.tinytorch\.tar\.gz")


def write(root: Path, tree: Mapping[str, bytes] = GOOD) -> Path:
    for name, data in tree.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path / "project")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


# Both ways


def test_submitted_bundle_is_taken_in(project: Path, inbox: Path) -> None:
    done = tito(
        project, "submit", "--student", "ada", "--round", "r1", "--to", str(inbox)
    )
    assert (done.returncode, done.stderr) == (0, "")
    (path,) = inbox.iterdir()
    assert NAME.fullmatch(path.name)
    taken = open_submission(str(path))
    assert {file.path: file.data for file in taken.files} == GOOD
    assert (taken.student, taken.round, taken.notes) == ("ada", "r1", ())
    assert taken.digest == open_submission(str(project)).digest
    assert taken.digest.removeprefix("sha256:")[:8] in path.name
    assert taken.digest in done.stdout
    assert "3 files" in done.stdout
    assert str(path) in done.stdout


def test_grader_packs_what_it_takes_in(project: Path) -> None:
    one = open_submission(str(project), student="ada")
    two = open_bytes(pack(one), label=one.label)
    assert one == two
    assert pack(one) == pack(two)


def test_grader_packs_an_empty_package(tmp_path: Path) -> None:
    (tmp_path / "tinytorch").mkdir()
    one = open_submission(str(tmp_path))
    assert open_bytes(pack(one), label=one.label) == one


PATHS = st.from_regex(r"tinytorch/([a-z]{1,4}/){0,2}[a-z]{1,4}\.py", fullmatch=True)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(PATHS, st.binary(max_size=100), max_size=8))
def test_both_digests_agree(tree: dict[str, bytes]) -> None:
    sources = [Source(path, data) for path, data in tree.items()]
    files = [SourceFile(path=path, data=data) for path, data in tree.items()]
    assert digest_of(sources) == grader_digest(files)


def test_collect_and_intake_leave_out_the_same(project: Path) -> None:
    write(
        project,
        {
            "tinytorch/weights.npz": b"1",
            "tinytorch/.hidden.py": b"2",
            "tinytorch/__pycache__/a.py": b"3",
            "conftest.py": b"4",
        },
    )
    taken = open_submission(str(project))
    assert [(s.path, s.data) for s in collect(project)] == list(GOOD.items())
    assert [(f.path, f.data) for f in taken.files] == list(GOOD.items())


def test_same_content_gives_same_bytes() -> None:
    one = bundle(SOURCES, student="ada", round_="")
    assert one == bundle(SOURCES, student="ada", round_="")
    with tarfile.open(fileobj=io.BytesIO(one)) as tar:
        names = tar.getnames()
        members = tar.getmembers()
    assert names == ["manifest.json", *sorted(GOOD)]
    assert {(m.mtime, m.uid, m.gid, m.mode, m.uname) for m in members} == {
        (0, 0, 0, 0o644, "")
    }


# A bundle that was changed on the way


def edited(
    change: Callable[[dict[str, Any]], object] | None = None, **files: bytes
) -> bytes:
    """Return a bundle whose manifest or files were changed afterwards."""
    whole = io.BytesIO(gzip.decompress(bundle(SOURCES, student="ada", round_="r1")))
    out = io.BytesIO()
    with tarfile.open(fileobj=whole) as old, tarfile.open(fileobj=out, mode="w") as new:
        for info in old.getmembers():
            handle = old.extractfile(info)
            assert handle is not None
            data = files.get(Path(info.name).stem, handle.read())
            if info.name == "manifest.json" and change is not None:
                manifest = json.loads(data)
                change(manifest)
                data = json.dumps(manifest).encode()
            info.size = len(data)
            new.addfile(info, io.BytesIO(data))
    return gzip.compress(out.getvalue())


def test_unchanged_bundle_is_taken_in() -> None:
    assert open_bytes(edited(), label="a").round == "r1"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: m.update(digest="sha256:" + "0" * 64), "not what its manifest says"),
        (lambda m: m["files"].pop(), "not what its manifest says"),
        (lambda m: m["files"][0].update(size=7), "not what its manifest says"),
        (lambda m: m.update(package="other"), "is of package other, not tinytorch"),
        (lambda m: m.update(student="../../x"), "student is wrong"),
        (lambda m: m.update(student="ada\n"), "student is wrong"),
        (lambda m: m.update(student="=cmd()"), "student is wrong"),
        (lambda m: m.update(round=1), "round is wrong"),
        (lambda m: m.update(schema_version=2), "schema_version is wrong"),
        (lambda m: m.update({"\x1b[2J": 1}), "the whole is wrong"),
        (lambda m: m.clear(), "is wrong"),
        (lambda m: m.update(created_by="x" * 70_000), "larger than 65536 bytes"),
    ],
)
def test_changed_manifest(
    change: Callable[[dict[str, Any]], object], says: str
) -> None:
    with pytest.raises(SubmissionRejectedError) as refused:
        open_bytes(edited(change), label="a")
    assert says in refused.value.message
    assert refused.value.message.isprintable()
    assert refused.value.hint
    assert refused.value.exit_code == 1


def test_changed_content() -> None:
    with pytest.raises(SubmissionRejectedError, match="not what its manifest says"):
        open_bytes(edited(tensor=b"better = 1\n"), label="a")


@pytest.mark.parametrize("text", [b"", b"[" * 50_000, b'{"a": NaN}', b"\xff", b"[]"])
def test_manifest_that_is_none(text: bytes) -> None:
    with pytest.raises(SubmissionRejectedError, match="not one of `make submit`"):
        open_bytes(edited(manifest=text), label="a")


def test_given_student_wins_over_the_manifest() -> None:
    taken = open_bytes(edited(), label="a", student="eve")
    assert taken.student == "eve"
    assert taken.notes == ("the bundle's manifest names another student",)
    assert open_bytes(edited(), label="a", student="ada").notes == ()


# Delivery


def test_second_time_is_noticed(project: Path, inbox: Path) -> None:
    arguments = ("submit", "--skip-tests", "--student", "ada", "--to", str(inbox))
    assert "handed in;" in tito(project, *arguments).stdout
    again = tito(project, *arguments)
    assert (again.returncode, len(list(inbox.iterdir()))) == (0, 1)
    assert "exactly this was handed in before" in again.stdout
    assert len(list(inbox.iterdir())) == 1
    write(project, {"tinytorch/new.py": b""})
    tito(project, *arguments)
    assert len(list(inbox.iterdir())) == 2


def test_another_round_is_another_submission(inbox: Path) -> None:
    digest = digest_of(SOURCES)
    for round_ in ("r1", "r2"):
        data = bundle(SOURCES, student="ada", round_=round_)
        path, new = deliver(data, inbox, student="ada", digest=digest)
        assert new
        path.rename(path.with_name(path.name.replace("Z-", f"{round_}-", 1)))


def test_failed_write_leaves_nothing(
    inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TitoError, match="No space left"):
        deliver(b"x", inbox, student="ada", digest="sha256:" + "0" * 64)
    assert list(inbox.iterdir()) == []


def test_without_an_inbox_the_bundle_stays_here(project: Path) -> None:
    done = tito(project, "submit", "--skip-tests", STUDENT="ada")
    assert done.returncode == 0
    assert "upload the file" in done.stdout
    assert len(list((project / "submissions").iterdir())) == 1


def test_student_file_and_subfolder(project: Path, inbox: Path) -> None:
    write(project, {".student": b"ada\n", "milestones/01/x.py": b""})
    below = project / "milestones" / "01"
    done = tito(below, "submit", "--skip-tests", SUBMIT_TO=str(inbox), ROUND="r7")
    assert done.returncode == 0, done.stderr
    (path,) = inbox.iterdir()
    taken = open_submission(str(path))
    assert (taken.student, taken.round) == ("ada", "r7")


# What stops it


@pytest.mark.parametrize(
    ("tree", "arguments", "says", "hint"),
    [
        ({"a.py": b""}, ("--student", "a"), "no folder tinytorch/", "repository"),
        ({"tinytorch/a.txt": b""}, ("--student", "a"), "no Python files", "template"),
        (GOOD, (), "student id is missing", ".student"),
        (GOOD, ("--student", "a/../b"), "student id", ".student"),
        (GOOD, ("--student", "a", "--round", "a b"), "round", "Letters"),
        (
            GOOD,
            ("--student", "a", "--to", "/no/such"),
            "no folder /no/such",
            "SUBMIT_TO",
        ),
        (GOOD, ("--student", "a", "--to", "ftp://x/y"), "cannot hand in", "folder"),
        (GOOD, ("--student", "a", "--to", "https://x/y"), "no token", "tito login"),
        (
            {"tinytorch/a.py": b"#" * 262_145},
            ("--student", "a"),
            "a.py is larger than 256 KiB",
            "source only",
        ),
        (
            {f"tinytorch/m{n}.py": b"#" * 262_144 for n in range(9)},
            ("--student", "a"),
            "larger than 2 MiB",
            "source only",
        ),
        (
            {"tinytorch/a.py": b"", "tinytorch/A.py": b""},
            ("--student", "a"),
            "differ in capitals only",
            "Rename",
        ),
        (
            {"tinytorch/" + "d/" * 9 + "a.py": b""},
            ("--student", "a"),
            "cannot be handed in",
            "few folders",
        ),
        (
            {"tinytorch/a.py": b"def f(:\n"},
            ("--student", "a"),
            "cannot read 1 file",
            "--even-if-broken",
        ),
    ],
)
def test_refusals(
    tmp_path: Path,
    tree: dict[str, bytes],
    arguments: tuple[str, ...],
    says: str,
    hint: str,
) -> None:
    project = write(tmp_path, tree)
    done = tito(project, "submit", "--skip-tests", *arguments)
    first, second = done.stderr.splitlines()
    assert first.startswith("error: ")
    assert says in first
    assert second.startswith("  hint: ")
    assert hint in second
    assert done.returncode == 1
    assert not list(tmp_path.rglob("*.gz"))


def test_link_is_refused(project: Path) -> None:
    (project / "tinytorch" / "key.py").symlink_to("/etc/passwd")
    done = tito(project, "submit", "--skip-tests", "--student", "ada")
    assert done.returncode == 1
    assert "tinytorch/key.py is a link" in done.stderr


def test_broken_file_shows_its_line_and_can_be_handed_in(project: Path) -> None:
    write(project, {"tinytorch/bad.py": b"x = 1\ndef f(:\n", "tinytorch/n.py": b"\0"})
    arguments = ("submit", "--skip-tests", "--student", "ada")
    done = tito(project, *arguments)
    assert "broken   tinytorch/bad.py:2: " in done.stdout
    assert "broken   tinytorch/n.py:" in done.stdout
    assert tito(project, *arguments, "--even-if-broken").returncode == 0


def test_usage_is_exit_code_2(project: Path) -> None:
    assert tito(project, "submit", "--nonsense").returncode == 2


# The public checks, Make


@pytest.fixture
def template(project: Path) -> Path:
    shutil.copy(TEMPLATE / "Makefile", project / "Makefile")
    shutil.copytree(TEMPLATE / "tito", project / "tito")
    tests = b"def test_2_1_a():\n    assert True\n\ndef test_2_2_b():\n    assert 0\n"
    return write(project, {"tests/test_02_tensor.py": tests})


def make(project: Path, *targets: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *targets, f"PYTHON={sys.executable}"],
        cwd=project,
        env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_submit_counts_the_public_checks(template: Path, inbox: Path) -> None:
    done = make(template, "submit", "STUDENT=ada", f"SUBMIT_TO={inbox}")
    assert done.returncode == 0, done.stderr
    assert "checks   1 failed, 1 passed" in done.stdout
    assert len(list(inbox.iterdir())) == 1


def test_make_targets(template: Path) -> None:
    assert "make hint-2.3" in make(template).stdout
    assert "1 passed" in make(template, "test-02").stdout
    assert make(template, "test-02").returncode == 2
    assert "no tests for module 99" in make(template, "test-99").stdout
    assert "no milestone 99" in make(template, "milestone-99").stdout


def test_make_milestone_runs_in_its_folder(template: Path) -> None:
    script = b"import tinytorch.tensor, os\nprint(os.path.basename(os.getcwd()))\n"
    folder = "milestones/01_1957_x"
    files = {
        f"{folder}/a.py": script,
        f"{folder}/b.py": b"if __name__ == '__main__':\n    0 / 0\n",
        f"{folder}/helper.py": b"raise SystemExit('imported by scripts, not run')\n",
    }
    write(template, files)
    one = make(template, "milestone-01", "SCRIPT=a.py")
    assert (one.returncode, one.stdout) == (0, "-- a.py\n01_1957_x\n")
    both = make(template, "milestone-01")
    assert "ZeroDivisionError" in both.stderr
    assert "-- a.py" not in both.stdout  # nothing runs it as a script
    assert "imported by" not in both.stderr
    assert both.returncode == 2


def test_module_commands(template: Path) -> None:
    assert tito(template, "module", "list").stdout == "02_tensor\n"
    for name in ("2", "02", "tensor", "02_tensor"):
        assert tito(template, "module", "test", name).returncode == 1
    unknown = tito(template, "module", "test", "99")
    assert "no public checks" in unknown.stderr


def test_tito_needs_nothing_of_the_grader() -> None:
    for path in (TEMPLATE / "tito").glob("*.py"):
        assert not re.search(
            r"^\s*(from|import) grader", path.read_text(), re.MULTILINE
        )
