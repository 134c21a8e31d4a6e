"""Which files of a submission a project is made of."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from grader.errors import SubmissionRejectedError
from grader.intake import Handed, open_project

FILES = {
    "tinytorch/tensor.py": b"x = 1\n",
    "capstone.toml": b"title = 'a'\n",
    "entry/project.py": b"def train(): ...\n",
    "entry/secret.txt": b"not named",
}


def wanted(data: bytes) -> dict[str, int]:
    assert data == FILES["capstone.toml"]
    return {"entry/project.py": 100}


def folder(root: Path, files: dict[str, bytes] | None = None) -> Path:
    for path, data in (FILES if files is None else files).items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return root


def zipped(root: Path, *more: tuple[str, bytes], below: str = "") -> Path:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path, data in [*FILES.items(), *more]:
            archive.writestr(below + path, data)
    place = root / "handed.zip"
    place.write_bytes(stream.getvalue())
    return place


def handed(place: Path) -> Handed:
    return open_project(str(place), wanted, student="ada")


def test_a_folder_gives_the_package_and_what_is_named(tmp_path: Path) -> None:
    found = handed(folder(tmp_path))

    assert [f.path for f in found.submission.files] == ["tinytorch/tensor.py"]
    assert found.submission.student == "ada"
    assert set(found.files) == {"capstone.toml", "entry/project.py"}


@pytest.mark.parametrize("below", ["", "repository-main/"])
def test_a_zip_gives_the_same_as_a_folder(tmp_path: Path, below: str) -> None:
    found = handed(zipped(tmp_path, below=below))

    assert found.files["entry/project.py"] == FILES["entry/project.py"]


def test_a_package_in_src_has_its_project_beside_src(tmp_path: Path) -> None:
    files = {p.replace("tinytorch", "src/tinytorch"): d for p, d in FILES.items()}

    assert "entry/project.py" in handed(folder(tmp_path, files)).files


@pytest.mark.parametrize("missing", ["capstone.toml", "entry/project.py"])
def test_what_is_missing_is_named(tmp_path: Path, missing: str) -> None:
    files = {path: data for path, data in FILES.items() if path != missing}

    with pytest.raises(SubmissionRejectedError, match=f"has no {missing}") as refused:
        handed(folder(tmp_path, files))
    assert refused.value.hint


@pytest.mark.parametrize("name", ["entry/project.py", "entry", "capstone.toml"])
def test_a_link_is_never_followed(tmp_path: Path, name: str) -> None:
    outside = folder(tmp_path / "outside")
    files = {p: d for p, d in FILES.items() if not p.startswith(name)}
    root = folder(tmp_path / "handed", files)
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).symlink_to(outside / name)

    with pytest.raises(SubmissionRejectedError, match=r"plain file|has no entry"):
        handed(root)


def test_a_file_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        place = zipped(tmp_path, ("entry/project.py", b"another"))

    with pytest.raises(SubmissionRejectedError, match="not one plain file"):
        handed(place)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    files = FILES | {"entry/project.py": b"#" * 101}

    with pytest.raises(SubmissionRejectedError, match="101 bytes, and 100 are allowed"):
        handed(folder(tmp_path, files))


def test_a_path_out_of_the_submission_is_refused_by_itself(tmp_path: Path) -> None:
    root = folder(tmp_path / "handed")
    (tmp_path / "outside.py").write_text("x = 1")

    with pytest.raises(SubmissionRejectedError, match="has no"):
        open_project(str(root), lambda _: {"../outside.py": 100})
