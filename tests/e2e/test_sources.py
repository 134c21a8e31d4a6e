"""Every way to hand in the same files gives the same verdict."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from grader_command import Done, Grader, modules

from grader.intake import open_submission, pack

WANTED = modules("setup", "losses")


def files_of(package: Path) -> list[Path]:
    return sorted(p for p in package.rglob("*.py"))


def as_package_folder(package: Path, folder: Path) -> str:
    return str(package / "tinytorch")


def as_zip(package: Path, folder: Path) -> str:
    path = folder / "handed-in.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files_of(package):
            archive.write(file, Path("ada-main") / file.relative_to(package))
    return str(path)


def as_tar_gz(package: Path, folder: Path) -> str:
    path = folder / "handed-in.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(package / "tinytorch", "tinytorch")
    return str(path)


def as_git(package: Path, folder: Path) -> str:
    repository = folder / "repository"
    repository.mkdir()
    with tarfile.open(fileobj=io.BytesIO(tar_of(package))) as archive:
        archive.extractall(repository, filter="data")
    own = {"HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    author = ["-c", "user.name=Ada", "-c", "user.email=ada@example.edu"]
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        [*author, "commit", "-q", "-m", "all of it"],
    ):
        subprocess.run(
            ["git", *command], cwd=repository, env=os.environ | own, check=True
        )
    return f"git+file://{repository}@main"


def tar_of(package: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(package / "tinytorch", "tinytorch")
    return buffer.getvalue()


def as_bundle(package: Path, folder: Path) -> str:
    submission = open_submission(str(package), student="ada@example.edu")
    path = folder / "ada.tinytorch.tar.gz"
    path.write_bytes(pack(submission))
    return str(path)


@pytest.fixture(scope="session")
def from_folder(grader: Grader, mistaken: Path) -> Done:
    return grader.grade(mistaken, *WANTED)


@pytest.mark.parametrize(
    "handed_in", [as_package_folder, as_zip, as_tar_gz, as_git, as_bundle]
)
def test_the_same_files_get_the_same_verdict(
    handed_in: Callable[[Path, Path], str],
    grader: Grader,
    mistaken: Path,
    from_folder: Done,
    tmp_path: Path,
) -> None:
    done = grader.grade(handed_in(mistaken, tmp_path), *WANTED)

    here, there = done.report.verdict, from_folder.report.verdict
    assert done.code == 0, done.err
    assert here.submission == there.submission
    assert 0 < here.earned == there.earned < here.points
    assert here.modules == there.modules
    if handed_in is as_git:
        assert here.notes[0].startswith("commit ")
        assert here.notes[1:] == there.notes
    else:
        assert done.verdict == from_folder.verdict
    assert done.report.student == ("ada@example.edu" if handed_in is as_bundle else "")
