"""Every kind of source gives the same submission."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake_builders import GOOD, folder_of, git, packed, repository_of

from grader.errors import SubmissionRejectedError
from grader.intake import open_bytes, open_submission
from grader.intake.git import parse_address
from grader.models.submission import Submission

KINDS = ("zip", "stored", "tar", "gz", "xz", "gnu")


def content(submission: Submission) -> dict[str, bytes]:
    return {file.path: file.data for file in submission.files}


def test_folder(tmp_path: Path) -> None:
    taken = open_submission(str(folder_of(tmp_path)), student="ada")
    assert content(taken) == GOOD
    assert (taken.student, taken.round, taken.notes) == ("ada", "", ())
    assert taken.label == str(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "above", ["", "src/", "repo-0a1b2c/", "repo-0a1b2c/src/", "./"]
)
def test_archives(tmp_path: Path, kind: str, above: str) -> None:
    tree = {above + name: data for name, data in GOOD.items()}
    path = tmp_path / "submission.bin"  # the name does not matter
    path.write_bytes(packed(tree, kind))
    expected = open_submission(str(folder_of(tmp_path / "plain")))
    taken = open_submission(str(path))
    assert (taken.files, taken.digest) == (expected.files, expected.digest)


@pytest.mark.parametrize("above", ["", "src", "repo", "repo/src"])
def test_folder_places(tmp_path: Path, above: str) -> None:
    folder_of(tmp_path / above)
    assert content(open_submission(str(tmp_path))) == GOOD


def test_package_folder_itself(tmp_path: Path) -> None:
    folder_of(tmp_path)
    assert content(open_submission(str(tmp_path / "tinytorch"))) == GOOD


def test_digest_is_the_documented_one(tmp_path: Path) -> None:
    taken = open_submission(str(folder_of(tmp_path)))
    plain = b"".join(
        name.encode() + b"\0%d\0" % len(data) + data for name, data in GOOD.items()
    )
    assert taken.digest == "sha256:" + hashlib.sha256(plain).hexdigest()


def test_higher_package_wins(tmp_path: Path) -> None:
    folder_of(
        tmp_path, {**GOOD, "backup/tinytorch/old.py": b"", ".x/tinytorch/a.py": b""}
    )
    assert content(open_submission(str(tmp_path))) == GOOD


def test_mac_leavings_are_no_package() -> None:
    tree = {
        **{f"work/{name}": data for name, data in GOOD.items()},
        "__MACOSX/tinytorch/._tensor.py": b"\0",
        "work/tinytorch/._tensor.py": b"\0\5",
    }
    taken = open_bytes(packed(tree, "zip"), label="mac.zip")
    assert content(taken) == GOOD
    assert taken.notes == ()


def test_left_out_files_are_counted_once(tmp_path: Path) -> None:
    tree = {
        **GOOD,
        "conftest.py": b"",
        "numpy.py": b"",
        "tinytorch/weights.npz": b"x" * 300_000,
        "tinytorch/native.so": b"",
        "tinytorch/__pycache__/tensor.cpython-311.pyc": b"",
        "tinytorch/.ipynb_checkpoints/tensor-checkpoint.py": b"",
    }
    note = "2 files in tinytorch/ left out: only .py files are graded"
    for taken in (
        open_submission(str(folder_of(tmp_path, tree))),
        open_bytes(packed(tree, "zip"), label="a"),
        open_bytes(packed(tree, "gz"), label="a"),
    ):
        assert content(taken) == GOOD
        assert taken.notes == (note,)


@pytest.mark.parametrize(
    "tree", [{"tinytorch/": b""}, {"tinytorch/README.md": b"x"}], ids=["bare", "readme"]
)
def test_empty_package_is_gradable(tree: dict[str, bytes]) -> None:
    taken = open_bytes(packed(tree, "zip"), label="a")
    assert taken.files == ()
    assert "tinytorch/ holds no Python files" in taken.notes


def test_empty_package_folder_is_gradable(tmp_path: Path) -> None:
    (tmp_path / "tinytorch").mkdir()
    assert open_submission(str(tmp_path)).files == ()


def test_not_utf8_is_kept_and_noted() -> None:
    tree = {**GOOD, "tinytorch/losses.py": b"# caf\xe9\n"}
    taken = open_bytes(packed(tree, "zip"), label="a")
    assert content(taken) == tree
    assert taken.notes == ("not UTF-8: tinytorch/losses.py",)


def test_decomposed_names_are_composed(tmp_path: Path) -> None:
    decomposed, composed = "tinytorch/e\u0301.py", "tinytorch/\u00e9.py"
    one = open_bytes(packed({decomposed: b"1"}, "zip"), label="a")
    two = open_submission(str(folder_of(tmp_path, {composed: b"1"})))
    three = open_submission(str(folder_of(tmp_path / "x", {decomposed: b"1"})))
    assert one.digest == two.digest == three.digest


def test_other_package_name(tmp_path: Path) -> None:
    folder_of(tmp_path, {"minitorch/a.py": b""})
    taken = open_submission(str(tmp_path), package="minitorch")
    assert [file.path for file in taken.files] == ["minitorch/a.py"]


NAMES = st.lists(
    st.from_regex(r"[a-z]{1,6}\.py", fullmatch=True), max_size=6, unique=True
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(names=NAMES, data=st.data(), kind=st.sampled_from(KINDS))
def test_digest_ignores_format_and_order(
    names: list[str], data: st.DataObject, kind: str
) -> None:
    tree = [("tinytorch/a/__init__.py", b"")] + [
        (f"tinytorch/{name}", data.draw(st.binary(max_size=300))) for name in names
    ]
    shuffled = data.draw(st.permutations(tree))
    plain = open_bytes(packed(tree, "tar"), label="a")
    other = open_bytes(packed(shuffled, kind), label="b")
    assert (plain.digest, plain.files) == (other.digest, other.files)
    assert [file.path for file in other.files] == sorted(name for name, _ in tree)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    one=st.dictionaries(st.sampled_from("abc"), st.binary(max_size=4)),
    two=st.dictionaries(st.sampled_from("abc"), st.binary(max_size=4)),
)
def test_digest_tells_trees_apart(one: dict[str, bytes], two: dict[str, bytes]) -> None:
    digests = []
    for tree in (one, two):
        files = [(f"tinytorch/{name}.py", data) for name, data in tree.items()]
        archive = packed([("tinytorch/", b""), *files], "zip")
        digests.append(open_bytes(archive, label="a").digest)
    assert (digests[0] == digests[1]) == (one == two)


# git


@pytest.mark.parametrize("form", ["{}#main", "{}@main", "git+{}", "git+file://{}@main"])
def test_git(tmp_path: Path, form: str) -> None:
    repository = repository_of(tmp_path / "work")
    (repository / "tinytorch" / "tensor.py").write_bytes(b"not committed")
    taken = open_submission(form.format(repository))
    assert content(taken) == GOOD
    assert taken.notes == (f"commit {git(repository, 'rev-parse', 'HEAD')}",)


def test_git_full_commit_and_tag(tmp_path: Path) -> None:
    repository = repository_of(tmp_path / "work")
    first = git(repository, "rev-parse", "HEAD")
    git(repository, "tag", "-a", "v1", "-m", "one")
    folder_of(repository, {"tinytorch/tensor.py": b"later = 1\n"})
    git(repository, "commit", "-q", "-a", "-m", "two")
    assert content(open_submission(f"{repository}#{first}")) == GOOD
    assert content(open_submission(f"{repository}#v1")) == GOOD
    assert content(open_submission(f"{repository}#main")) != GOOD


def test_git_working_tree_is_a_folder(tmp_path: Path) -> None:
    repository = repository_of(tmp_path / "work")
    folder_of(repository, {"tinytorch/new.py": b""})
    assert "tinytorch/new.py" in content(open_submission(str(repository)))


def test_git_runs_nothing_of_the_repository(tmp_path: Path) -> None:
    tree = {**GOOD, ".gitattributes": b"*.py filter=evil\n"}
    repository = repository_of(tmp_path / "work", tree)
    mark = tmp_path / "ran"
    for name in ("post-checkout", "reference-transaction", "post-upload-pack"):
        hook = repository / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {mark}\n")
        hook.chmod(0o755)
    for key in ("filter.evil.smudge", "core.fsmonitor", "uploadpack.packObjectsHook"):
        git(repository, "config", key, f"touch {mark}; cat")
    assert content(open_submission(f"git+{repository}")) == GOOD
    assert not mark.exists()


def test_git_label_hides_the_token() -> None:
    address = parse_address("git+https://me:s3cret@example.org/a/b@main")
    assert address is not None
    assert address.label == "https://example.org/a/b@main"
    assert address.url == "https://me:s3cret@example.org/a/b"


@pytest.mark.parametrize(
    "source",
    [
        "git+ext::sh -c touch% /x@main",
        "git+ext://sh@main",
        "git+http://example.org/a",
        "git+https://[bad/a@main",
        "{}#--upload-pack=x",
        "{}#main..other",
        "{}#HEAD^{{tree}}",
        "{}#no-such-branch",
        "git+file:///no/such/repository@main",
        "git+/no/such/repository@main",
    ],
)
def test_git_addresses_refused(tmp_path: Path, source: str) -> None:
    repository = repository_of(tmp_path / "work")
    with pytest.raises(SubmissionRejectedError) as refused:
        open_submission(source.format(repository))
    assert refused.value.hint


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user's files")
def test_git_of_another_user_says_so(tmp_path: Path) -> None:
    repository = repository_of(tmp_path / "work")
    for path in (repository, repository / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(SubmissionRejectedError) as refused:
        open_submission(f"git+{repository}")
    assert "another user" in refused.value.hint


def test_nothing_is_written_where_the_archive_lies(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(packed(GOOD, "tar")))
    open_submission(str(path))
    assert [found.name for found in tmp_path.iterdir()] == ["a.tar.gz"]


@pytest.mark.parametrize("above", ["", "src/", "repo-0a1b2c/", "repo-0a1b2c/src/"])
def test_a_script_of_ones_own_comes_with_the_package(
    tmp_path: Path, above: str
) -> None:
    own, top = "entry/open_mlp.py", above.removesuffix("src/")
    tree = {above + name: data for name, data in GOOD.items()}
    path = tmp_path / "submission.zip"
    path.write_bytes(packed(tree | {top + own: b"x = 1\n"}, "zip"))

    taken = open_submission(str(path), scripts=(own,))

    assert [(f.path, f.data) for f in taken.scripts] == [(own, b"x = 1\n")]
    assert taken.digest == open_submission(str(path)).digest
    assert open_submission(str(path)).scripts == ()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "has no entry/open_mlp.py"),
        (b"\xff", "is not UTF-8"),
        (b"#" * 65_537, "has 65,537 bytes, and 65,536 are allowed"),
    ],
)
def test_a_script_that_cannot_be_taken(
    tmp_path: Path, data: bytes | None, said: str
) -> None:
    folder_of(tmp_path)
    if data is not None:
        (tmp_path / "entry").mkdir()
        (tmp_path / "entry" / "open_mlp.py").write_bytes(data)

    with pytest.raises(SubmissionRejectedError, match=said):
        open_submission(str(tmp_path), scripts=("entry/open_mlp.py",))


def test_numbers_in_a_script_of_ones_own_are_noted(tmp_path: Path) -> None:
    folder_of(tmp_path)
    (tmp_path / "entry").mkdir()
    (tmp_path / "entry" / "own.py").write_text("w = [" + "0.125, " * 300 + "]\n")

    (note,) = open_submission(str(tmp_path), scripts=("entry/own.py",)).notes

    assert "data in source, look at it: entry/own.py:1" in note
