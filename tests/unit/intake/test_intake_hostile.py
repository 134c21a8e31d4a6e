"""What is refused: one clear error each, exit code 1, nothing left behind."""

from __future__ import annotations

import contextlib
import errno
import gzip
import io
import lzma
import os
import socket
import struct
import subprocess
import tarfile
import time
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake_builders import (
    GOOD,
    Tree,
    folder_of,
    git,
    member,
    packed,
    repository_of,
    tar_of,
    zip_of,
)

from grader.errors import ConfigError, InconclusiveError, SubmissionRejectedError
from grader.intake import git_process, open_bytes, open_submission
from grader.intake.folder import FolderReader
from grader.intake.limits import ARCHIVE_BYTES, ENTRIES, FILE_BYTES, META_BYTES, MIB

SECONDS = 20  # generous: each of these takes far less than one
MEMORY = 64 * MIB  # beside the archive itself


def refusal(data: bytes) -> str:
    """Return the message of a refused archive; everything else is a failure."""
    started = time.monotonic()
    with pytest.raises(SubmissionRejectedError) as refused:
        open_bytes(data, label="hostile")
    assert time.monotonic() - started < SECONDS
    assert refused.value.hint
    assert refused.value.exit_code == 1
    assert refused.value.message.isascii()
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 250
    return refused.value.message


def refused_path(path: Path | str) -> str:
    with pytest.raises(SubmissionRejectedError) as refused:
        open_submission(str(path))
    assert refused.value.hint
    return refused.value.message


# Names


ESCAPES = [
    ("../tinytorch/a.py", "leads out of it"),
    ("tinytorch/../../a.py", "leads out of it"),
    ("other/..\\a.py", "leads out of it"),
    ("/etc/tinytorch/a.py", "absolute path"),
    ("C:/tinytorch/a.py", "absolute path"),
    ("\\\\host\\a.py", "absolute path"),
]
TRICKS = [
    ("tinytorch/a\0.py", "control, invisible or broken"),
    ("tinytorch/a\n.py", "control, invisible or broken"),
    ("tinytorch/\x1b[2J.py", "control, invisible or broken"),
    ("tinytorch/\u202eyp.exe.py", "control, invisible or broken"),
    ("tinytorch/a\u200b.py", "control, invisible or broken"),
    ("tinytorch/sub\\a.py", "backslash"),
    ("tinytorch/" + "a" * 101 + ".py", "longer than 100 bytes"),
    ("tinytorch/" + "sub/" * 9 + "a.py", "folders deep"),
    ("tinytorch/" + (40 * "a" + "/") * 6 + "a.py", "longer than 240 bytes"),
]


@pytest.mark.parametrize("kind", ["zip", "gz", "gnu"])
@pytest.mark.parametrize(("name", "says"), ESCAPES + TRICKS)
def test_names(kind: str, name: str, says: str) -> None:
    if kind in ("gz", "gnu") and "\0" in name:
        pytest.skip("a tar header cannot say it; see the pax test")
    assert says in refusal(packed({**GOOD, name: b"x = 1\n"}, kind))


@pytest.mark.parametrize("name", [name for name, _ in TRICKS])
def test_names_outside_the_package_do_not_matter(name: str) -> None:
    other = name.replace("tinytorch/", "notes/")
    assert open_bytes(packed({**GOOD, other: b""}, "zip"), label="a").notes == ()


def test_pax_name_with_nul() -> None:
    info = member("tinytorch/a.py")
    info.pax_headers = {"path": "tinytorch/a\0b.py"}
    assert "control, invisible or broken" in refusal(tar_of(GOOD, [info]))


def test_surrogate_name_in_a_zip() -> None:
    data = zip_of({**GOOD, "tinytorch/\u00e9\u00e9.py": b""})
    assert data.count("\u00e9\u00e9".encode()) == 2
    broken = data.replace("\u00e9\u00e9".encode(), b"\xff\xfe\xff\xfe")
    assert "control, invisible or broken" in refusal(broken)


def test_surrogate_name_in_a_folder(tmp_path: Path) -> None:
    folder_of(tmp_path)
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/tinytorch/\xff.py")).touch()
    assert "control, invisible or broken" in refused_path(tmp_path)


@pytest.mark.parametrize("kind", ["zip", "gz"])
@pytest.mark.parametrize(
    ("tree", "says"),
    [
        ([*GOOD.items(), ("tinytorch/tensor.py", b"2")], "appears twice"),
        ([*GOOD.items(), ("tinytorch/./tensor.py", b"2")], "appears twice"),
        ([*GOOD.items(), ("tinytorch/Tensor.py", b"2")], "capitals only"),
        ([("tinytorch/Sub/a.py", b""), ("tinytorch/sub/b.py", b"")], "capitals only"),
        ([("tinytorch/a.py", b""), ("tinytorch/a.py/b.py", b"")], "file and a folder"),
    ],
)
def test_colliding_names(kind: str, tree: Tree, says: str) -> None:
    assert says in refusal(packed(tree, kind))


def test_colliding_names_in_a_folder(tmp_path: Path) -> None:
    folder_of(tmp_path, {**GOOD, "tinytorch/Tensor.py": b""})
    if (tmp_path / "tinytorch" / "TENSOR.py").exists():
        pytest.skip("this file system does not tell capitals apart")
    assert "capitals only" in refused_path(tmp_path)


# Links and devices


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (tarfile.SYMTYPE, "is a link"),
        (tarfile.LNKTYPE, "is a link"),
        (tarfile.CHRTYPE, "not a regular file"),
        (tarfile.BLKTYPE, "not a regular file"),
        (tarfile.FIFOTYPE, "not a regular file"),
        (b"Z", "not a regular file"),
        (tarfile.GNUTYPE_SPARSE, "sparse"),
    ],
)
def test_tar_members_that_are_no_files(kind: bytes, says: str) -> None:
    info = member("tinytorch/key.py", type=kind, linkname="/etc/passwd")
    assert says in refusal(tar_of(GOOD, [info]))


def test_tar_package_that_is_a_link() -> None:
    info = member("tinytorch", type=tarfile.SYMTYPE, linkname="/etc")
    assert "tinytorch is a link" in refusal(tar_of({"a.py": b""}, [info]))


def test_links_outside_the_package_are_left_alone() -> None:
    info = member("data", type=tarfile.SYMTYPE, linkname="/etc/passwd")
    assert len(open_bytes(tar_of(GOOD, [info]), label="a").files) == 2


@pytest.mark.parametrize(
    ("mode", "says"),
    [(0o120777, "is a link"), (0o010644, "not a regular"), (0o020644, "not a regular")],
)
def test_zip_members_that_are_no_files(mode: int, says: str) -> None:
    out = io.BytesIO(zip_of())
    with zipfile.ZipFile(out, "a") as archive:
        info = zipfile.ZipInfo("tinytorch/key.py")
        info.create_system, info.external_attr = 3, mode << 16
        archive.writestr(info, "/etc/passwd")
    assert says in refusal(out.getvalue())


@pytest.mark.parametrize("place", ["tinytorch/key.py", "tinytorch/sub", "tinytorch"])
def test_folder_links(tmp_path: Path, place: str) -> None:
    if place != "tinytorch":
        folder_of(tmp_path)
    (tmp_path / place).symlink_to("/etc")
    assert refused_path(tmp_path).startswith(f"{place} is a link")


def test_folder_link_outside_the_package_is_not_followed(tmp_path: Path) -> None:
    folder_of(tmp_path / "work")
    folder_of(tmp_path / "other")
    (tmp_path / "work" / "twin").symlink_to(tmp_path / "other")
    assert len(open_submission(str(tmp_path / "work")).files) == 2


@pytest.mark.parametrize("swapped", ["tinytorch/tensor.py", "tinytorch"])
def test_swap_for_a_link_after_listing(tmp_path: Path, swapped: str) -> None:
    secret = folder_of(tmp_path / "secret")
    reader = FolderReader(folder_of(tmp_path / "work"), "tinytorch")
    wanted = [e for e in reader.entries() if e.parts[-1] == "tensor.py"]
    (tmp_path / "work" / swapped).rename(tmp_path / "aside")
    (tmp_path / "work" / swapped).symlink_to(secret / swapped)
    with pytest.raises(OSError, match=r"symbolic links|Not a directory"):
        list(reader.read(wanted))


def test_folder_pipe_and_socket_do_not_hang(tmp_path: Path) -> None:
    folder_of(tmp_path)
    os.mkfifo(tmp_path / "tinytorch" / "pipe.py")
    assert refused_path(tmp_path) == "tinytorch/pipe.py is not a regular file"
    (tmp_path / "tinytorch" / "pipe.py").unlink()
    before = Path.cwd()
    os.chdir(tmp_path)  # the path of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("tinytorch/socket.py")
    finally:
        os.chdir(before)
    assert refused_path(tmp_path) == "tinytorch/socket.py is not a regular file"


def test_source_that_is_a_pipe_or_device(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refused_path(tmp_path / "pipe") == "pipe is not a regular file"
    assert refused_path("/dev/zero") == "zero is not a regular file"


def test_deep_folder(tmp_path: Path) -> None:
    deep = tmp_path / "tinytorch" / "/".join("d" * 40)
    deep.mkdir(parents=True)
    assert "folders deep" in refused_path(tmp_path)


# Size


def test_large_file() -> None:
    big = {**GOOD, "tinytorch/big.py": b"#" * (FILE_BYTES + 1)}
    for kind in ("zip", "gz"):
        assert refusal(packed(big, kind)) == "tinytorch/big.py is larger than 256 KiB"
    just = {**GOOD, "tinytorch/big.py": b"#" * FILE_BYTES}
    assert len(open_bytes(packed(just, "zip"), label="a").files) == 3


def test_large_file_in_a_folder(tmp_path: Path) -> None:
    folder_of(tmp_path)
    with (tmp_path / "tinytorch" / "sparse.py").open("wb") as file:
        file.truncate(40 * 10**9)
    assert refused_path(tmp_path) == "tinytorch/sparse.py is larger than 256 KiB"


def test_large_package() -> None:
    tree = {f"tinytorch/m{n}.py": b"#" * FILE_BYTES for n in range(9)}
    assert "larger than 2 MiB" in refusal(packed(tree, "zip"))


def test_many_files() -> None:
    tree = {f"tinytorch/m{n}.py": b"" for n in range(501)}
    assert "more than 500 Python files" in refusal(packed(tree, "gz"))


@pytest.mark.parametrize("kind", ["zip", "gz"])
def test_many_entries(kind: str) -> None:
    tree = {**GOOD, **{f".venv/f{n}": b"" for n in range(ENTRIES)}}
    assert "more than 10,000" in refusal(packed(tree, kind))


def test_many_entries_in_a_folder(tmp_path: Path) -> None:
    folder_of(tmp_path)
    for number in range(ENTRIES + 1):
        (tmp_path / "tinytorch" / f"{number}.txt").touch()
    assert "more than 10,000" in refused_path(tmp_path)


def test_virtual_environment_beside_the_package_costs_nothing(tmp_path: Path) -> None:
    folder_of(tmp_path)
    inner = tmp_path / "venv" / "lib"
    inner.mkdir(parents=True)
    for number in range(ENTRIES + 1):
        (inner / f"{number}.py").touch()
    assert len(open_submission(str(tmp_path)).files) == 2


def test_large_archive(tmp_path: Path) -> None:
    path = tmp_path / "big.zip"
    with path.open("wb") as file:
        file.truncate(ARCHIVE_BYTES + 1)
    assert refused_path(path) == "the archive is larger than 50 MiB"
    assert refusal(bytes(ARCHIVE_BYTES + 1)) == "the archive is larger than 50 MiB"


# Bombs


def test_zip_that_lies_about_its_size() -> None:
    data = bytearray(zip_of({"tinytorch/a.py": b"\0" * 100 * MIB}))
    at = data.find(b"PK\1\2")
    struct.pack_into("<L", data, at + 24, 1000)
    tracemalloc.start()
    assert "unpacks to more than it says" in refusal(bytes(data))
    assert tracemalloc.get_traced_memory()[1] < MEMORY
    tracemalloc.stop()


def test_zip_bomb_outside_the_package_is_never_unpacked() -> None:
    data = zip_of({**GOOD, "data/zeros.bin": b"\0" * 100 * MIB})
    tracemalloc.start()
    assert len(open_bytes(data, label="a").files) == 2
    assert tracemalloc.get_traced_memory()[1] < MEMORY
    tracemalloc.stop()


def test_zip_entries_that_share_their_bytes() -> None:
    tree = {f"tinytorch/m{n:03}.py": b"#" * FILE_BYTES for n in range(200)}
    assert "larger than 2 MiB" in refusal(zip_of(tree))


@pytest.mark.parametrize("kind", ["gz", "xz"])
def test_tar_bomb(kind: str) -> None:
    data = packed({**GOOD, "zeros.bin": b"\0" * 60 * MIB}, kind)
    tracemalloc.start()
    assert "far more than a submission" in refusal(data)
    assert tracemalloc.get_traced_memory()[1] < MEMORY
    tracemalloc.stop()


def test_endless_tar() -> None:
    """Thirty gigabytes of zeros behind a header, in fifty kilobytes a gigabyte."""
    header = member("zeros.bin")
    header.size = 30 * 10**9
    head = header.tobuf(tarfile.GNU_FORMAT)
    packer = zlib.compressobj(9, wbits=31)
    data = packer.compress(head) + b"".join(
        packer.compress(b"\0" * MIB) for _ in range(300)
    )
    assert "far more than a submission" in refusal(data + packer.flush())


def test_tar_with_a_name_of_megabytes() -> None:
    data = tar_of({"tinytorch/" + "a" * (META_BYTES + 1): b""}, form=tarfile.GNU_FORMAT)
    assert "far too long" in refusal(data)
    data = tar_of({"tinytorch/" + "a" * (META_BYTES + 1): b""})
    assert "far too long" in refusal(data)


def test_tar_of_headers_only() -> None:
    one = member("x", b"", type=tarfile.GNUTYPE_LONGNAME).tobuf(tarfile.GNU_FORMAT)
    assert "more than 10,000" in refusal(gzip.compress(one * (3 * ENTRIES)))


def test_nested_archive_is_not_opened() -> None:
    inner = zip_of(GOOD)
    assert "no folder tinytorch/" in refusal(zip_of({"submission.zip": inner}))


def test_git_tree_bomb(tmp_path: Path) -> None:
    """Ten to the eighth files in nine objects."""
    git(tmp_path, "init", "-q")
    blob = git(tmp_path, "hash-object", "-w", "--stdin", stdin=b"x = 1\n")
    lines = [f"100644 blob {blob}\tf{n}" for n in range(10)]
    tree = ""
    for _ in range(7):
        tree = git(tmp_path, "mktree", stdin="\n".join(lines).encode())
        lines = [f"040000 tree {tree}\td{n}" for n in range(10)]
    commit = git(tmp_path, "commit-tree", tree, "-m", "bomb")
    git(tmp_path, "update-ref", "refs/heads/main", commit)
    started = time.monotonic()
    assert "more than 10,000 files" in refused_path(f"{tmp_path}#main")
    assert time.monotonic() - started < SECONDS


def test_git_link_and_submodule(tmp_path: Path) -> None:
    repository = repository_of(tmp_path / "work")
    (repository / "tinytorch" / "key.py").symlink_to("/etc/passwd")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "link")
    assert refused_path(f"{repository}#main") == "tinytorch/key.py is a link"
    commit = git(repository, "rev-parse", "HEAD")
    git(repository, "rm", "-q", "-f", "tinytorch/key.py")
    gitlink = f"160000,{commit},tinytorch/sub"
    git(repository, "update-index", "--add", "--cacheinfo", gitlink)
    git(repository, "commit", "-q", "-m", "submodule")
    assert refused_path(f"{repository}#main") == "tinytorch/sub is not a regular file"


def test_git_commit_that_fills_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = repository_of(tmp_path, {**GOOD, "data.bin": os.urandom(2 * MIB)})
    monkeypatch.setattr(git_process, "GIT_DISK_BYTES", MIB)
    assert refused_path(f"{repository}#main") == "the commit is larger than 1 MiB"


def test_git_that_takes_too_long_is_inconclusive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\nsleep 60 &\nsleep 60\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(git_process, "GIT_SECONDS", 0.2)
    started = time.monotonic()
    with pytest.raises(InconclusiveError, match="did not finish within"):
        open_submission(f"git+{tmp_path}")
    assert time.monotonic() - started < SECONDS


def test_full_disk_is_not_the_students_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(subprocess, "Popen", full)
    with pytest.raises(InconclusiveError, match="No space left"):
        open_submission(f"git+{tmp_path}")


def test_no_git_is_a_matter_of_set_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="git is not installed"):
        open_submission(f"git+{tmp_path}")


# Damage


def test_encrypted_zip() -> None:
    data = bytearray(zip_of())
    for magic, offset in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        at = -1
        while (at := data.find(magic, at + 1)) >= 0:
            data[at + offset] |= 1
    assert refusal(bytes(data)) == "the zip is encrypted"


@pytest.mark.parametrize("kind", ["zip", "tar", "gz", "xz"])
def test_every_truncation_is_refused(kind: str) -> None:
    data = packed({**GOOD, "tinytorch/a.py": os.urandom(700)}, kind)
    step = max(1, len(data) // 60)
    # The end mark of a plain tar is two empty blocks and padding: one block is enough.
    end = len(data.rstrip(b"\0")) if kind == "tar" else len(data)
    for length in range(5, end, step):
        refusal(data[:length])


def test_wrong_checksum() -> None:
    data = bytearray(zip_of(method=zipfile.ZIP_STORED))
    data[data.find(b"class Tensor")] ^= 1
    assert "does not match its checksum" in refusal(bytes(data))
    plain = bytearray(tar_of())
    plain[0] ^= 1
    assert "does not match its checksum" in refusal(bytes(plain))


def test_zip_whose_two_names_disagree() -> None:
    data = zip_of().replace(b"tinytorch/tensor.py", b"tinytorch/hidden.py", 1)
    assert "disagree" in refusal(data)


def test_unknown_packing() -> None:
    assert "method 12" in refusal(zip_of(method=zipfile.ZIP_BZIP2))


def test_xz_that_asks_for_a_gigabyte() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 29}]
    assert "damaged" in refusal(lzma.compress(tar_of(), filters=filters))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), kind=st.sampled_from(["zip", "tar", "gz", "xz", "gnu"]))
def test_flipped_bytes_never_escape_as_another_error(
    data: st.DataObject, kind: str
) -> None:
    archive = bytearray(packed(GOOD, kind))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(archive) - 1))
        archive[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(SubmissionRejectedError):
        taken = open_bytes(bytes(archive), label="a")
        assert all(file.path.startswith("tinytorch/") for file in taken.files)


@settings(max_examples=200, deadline=None)
@given(
    start=st.sampled_from([b"", b"PK\3\4", b"\x1f\x8b\x08", b"\xfd7zXZ\0"]),
    rest=st.binary(max_size=600),
)
def test_noise_is_refused(start: bytes, rest: bytes) -> None:
    with pytest.raises(SubmissionRejectedError):
        open_bytes(start + rest, label="a")


# Missing


def test_missing(tmp_path: Path) -> None:
    for source in (tmp_path / "none.zip", "a\0b", "git+nowhere", tmp_path / "a@b"):
        assert refused_path(source).startswith("there is no submission at ")


def test_empty_name_is_not_the_current_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(folder_of(tmp_path))
    assert refused_path("").startswith("there is no submission at ")


def test_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.zip").touch()
    assert refused_path(tmp_path / "empty.zip") == "the archive is empty"
    (tmp_path / "folder").mkdir()
    assert "no folder tinytorch/" in refused_path(tmp_path / "folder")
    assert "no folder tinytorch/" in refusal(zip_of({}))
    assert "no archive" in refusal(tar_of({}))
    assert "no folder tinytorch/" in refusal(gzip.compress(tar_of({})))


@pytest.mark.parametrize(
    ("tree", "hint"),
    [
        ({"tensor.py": b""}, "not only the files in it"),
        ({"TinyTorch/tensor.py": b""}, "It has TinyTorch"),
        ({"notes.txt": b""}, "make submit"),
        ({"a/b/tinytorch/x.py": b""}, "not only the files"),
    ],
)
def test_no_package(tree: dict[str, bytes], hint: str, tmp_path: Path) -> None:
    for taken in (packed(tree, "zip"), packed(tree, "gz")):
        with pytest.raises(SubmissionRejectedError) as refused:
            open_bytes(taken, label="a")
        assert refused.value.message == "the submission has no folder tinytorch/"
        assert hint in refused.value.hint


@pytest.mark.parametrize(
    "tree",
    [
        {"a/tinytorch/x.py": b"", "b/tinytorch/x.py": b""},
        {"tinytorch/x.py": b"", "src/tinytorch/x.py": b""},
    ],
)
def test_two_packages(tree: dict[str, bytes], tmp_path: Path) -> None:
    assert "more than one package folder" in refusal(packed(tree, "zip"))
    assert "more than one package folder" in refused_path(folder_of(tmp_path, tree))


def test_no_archive() -> None:
    assert refusal(b"7z\xbc\xaf'\x1c" + bytes(600)) == (
        "the submission is no archive that can be read"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable(tmp_path: Path) -> None:
    folder_of(tmp_path)
    (tmp_path / "tinytorch" / "tensor.py").chmod(0)
    assert refused_path(tmp_path) == "the submission cannot be read: Permission denied"
