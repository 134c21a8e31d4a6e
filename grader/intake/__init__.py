"""Bytes from outside become a `Submission`: Python source and nothing else.

Everything happens in memory; only a git commit passes through a temporary folder,
which is gone when the call returns.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from grader.errors import InconclusiveError, SubmissionRejectedError
from grader.intake.bundle import digest_of, pack, read_manifest, verify
from grader.intake.entries import ArchiveError, Entry, Kind, Reader
from grader.intake.folder import FILE_FLAGS, FolderReader, read_regular
from grader.intake.git import GitReader, fetched, parse_address
from grader.intake.git_process import GitFailedError
from grader.intake.limits import ARCHIVE_BYTES, MIB
from grader.intake.names import shown
from grader.intake.project import Handed, Wanted, take_project, take_scripts
from grader.intake.select import data_notes, list_entries, take
from grader.intake.tar_ import TarReader
from grader.intake.unpack import GZIP, XZ
from grader.intake.zip_ import ZipReader
from grader.models.submission import Submission

__all__ = [
    "ARCHIVES",
    "Handed",
    "open_bytes",
    "open_project",
    "open_submission",
    "open_upload",
    "pack",
]

ZIP_MAGICS = (b"PK\3\4", b"PK\5\6")
OURS = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO}
KINDS = "Send a folder, a .zip, a .tar.gz, a bundle of `make submit` or a git address."


def open_submission(
    source: str,
    *,
    package: str = "tinytorch",
    student: str = "",
    scripts: Sequence[str] = (),
) -> Submission:
    """Take in one submission.

    Args:
        source: a folder, a zip, a tar (plain, gz, xz), a bundle, or a git address:
            `git+https://host/repo@ref`, `git+file:///path@ref`, `path#ref`.
        package: name of the folder that is graded.
        student: whose it is; wins over a bundle's manifest.
        scripts: paths of scripts of its own that are needed too: "entry/open_mlp.py".

    Raises:
        SubmissionRejectedError: missing, unsafe, too large, or without the package or
            one of the scripts.
        InconclusiveError: git did not finish in time, or this host is out of room.
        ConfigError: a git address, and git is not installed.
    """
    with _one_error(), _opened(source, package) as (reader, label):
        return _build(reader, label, package, student, scripts)


def open_project(
    source: str, wanted: Wanted, *, package: str = "tinytorch", student: str = ""
) -> Handed:
    """Take in one submission with its project: `capstone.toml` and what that names.

    Args:
        source: as of `open_submission`.
        wanted: given the bytes of `capstone.toml`, returns the files to read, each with
            the most bytes it may have.
        package: name of the folder that is graded.
        student: whose it is; wins over a bundle's manifest.

    Raises:
        SubmissionRejectedError: as `open_submission`, or one of the files is missing,
            no plain file, or too large.
        InconclusiveError: as `open_submission`.
        ConfigError: as `open_submission`.
    """
    with _one_error(), _opened(source, package) as (reader, label):
        submission = _build(reader, label, package, student)
        return Handed(submission, take_project(reader, package, wanted))


@contextmanager
def _opened(source: str, package: str) -> Iterator[tuple[Reader, str]]:
    """Give a reader of a submission and what to call it.

    Raises:
        ArchiveError: there is none, or it is nothing that can be read.
        GitFailedError, OSError, GraderError: it cannot be read.
    """
    address = parse_address(source) if not os.path.lexists(source) else None
    path = Path(source)
    if address is not None:
        with fetched(address) as reader:
            yield reader, address.label
    elif source and path.is_dir():  # an empty name is not the current folder
        yield FolderReader(path, package), source
    else:
        yield _recognise(_read_archive(source)), source


def open_bytes(
    data: bytes, *, label: str, package: str = "tinytorch", student: str = ""
) -> Submission:
    """Take in an archive or bundle that came over a connection.

    Raises:
        SubmissionRejectedError: as `open_submission`.
    """
    with _one_error():
        return _build(_recognise(data), label, package, student)


ARCHIVES = (".zip", ".tar.gz", ".tgz", ".tar", ".tar.xz")


def open_upload(
    folder: Path, modules: Collection[str], *, package: str, student: str = ""
) -> Submission:
    """Take in what another product has put into `folder`, however it was uploaded.

    The package as a folder, one archive or bundle beside nothing else, or the files of
    the package alone.

    Args:
        modules: names of files of the course, by which loose files are recognised.
        package: name of the folder that is graded.
        student: whose it is.

    Raises:
        SubmissionRejectedError: as `open_submission`.
    """
    with _one_error():
        reader = FolderReader(folder, package)
        entries = list_entries(reader)
    if not any(package in entry.parts for entry in entries):
        files = [e for e in entries if len(e.parts) == 1 and e.kind is Kind.FILE]
        archive = _only_archive(files)
        if archive:
            return open_submission(
                str(folder / archive), package=package, student=student
            )
        if any(e.parts[0] in modules for e in files):
            reader.prefix = (package,)
            with _one_error():
                return _build(reader, str(folder), package, student)
    return open_submission(str(folder), package=package, student=student)


def _only_archive(files: Sequence[Entry]) -> str:
    """Return the name of the only archive, if there is exactly one."""
    names = [e.parts[0] for e in files if e.parts[0].lower().endswith(ARCHIVES)]
    return names[0] if len(names) == 1 else ""


@contextmanager
def _one_error() -> Iterator[None]:
    """Turn everything that is wrong with a submission into the one public error."""
    try:
        yield
    except ArchiveError as refused:
        raise SubmissionRejectedError(refused.message, hint=refused.hint) from None
    except GitFailedError:
        msg = "the commit cannot be read"
        hint = "Check that the address names a commit, a branch or a tag."
        raise SubmissionRejectedError(msg, hint=hint) from None
    except OSError as problem:
        reason = problem.strerror or "unknown error"
        if problem.errno in OURS:
            msg = f"this host cannot take in the submission: {reason}"
            raise InconclusiveError(msg, hint="Make room and grade again.") from None
        msg = f"the submission cannot be read: {reason}"
        raise SubmissionRejectedError(msg, hint=KINDS) from None


def _read_archive(source: str) -> bytes:
    """Read a file that is not a folder.

    Raises:
        ArchiveError: it is missing, no regular file, empty or too large.
    """
    try:
        fd = os.open(source, FILE_FLAGS & ~os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        msg = f"there is no submission at {shown(source) or 'an empty name'}"
        raise ArchiveError(msg, KINDS) from None
    try:
        info = os.fstat(fd)
        if stat.S_ISREG(info.st_mode) and info.st_size > ARCHIVE_BYTES:
            msg = f"the archive is larger than {ARCHIVE_BYTES // MIB} MiB"
            raise ArchiveError(msg, "Leave data, .venv and .git out of it.")
        return read_regular(fd, info.st_size, Path(source).name)
    finally:
        os.close(fd)


def _recognise(data: bytes) -> Reader:
    """Choose the reader by the first bytes, whatever the file is called.

    Raises:
        ArchiveError: it is empty, too large or no archive.
    """
    if not data:
        msg = "the archive is empty"
        raise ArchiveError(msg, KINDS)
    if len(data) > ARCHIVE_BYTES:
        msg = f"the archive is larger than {ARCHIVE_BYTES // MIB} MiB"
        raise ArchiveError(msg, "Leave data, .venv and .git out of it.")
    if data.startswith(ZIP_MAGICS):
        return ZipReader(data)
    if data.startswith((GZIP, XZ)) or data[257:262] == b"ustar":
        return TarReader(data)
    msg = "the submission is no archive that can be read"
    raise ArchiveError(msg, KINDS)


def _build(
    reader: Reader,
    label: str,
    package: str,
    student: str,
    scripts: Sequence[str] = (),
) -> Submission:
    """Select, read and describe; a bundle's manifest is held against the content.

    Raises:
        ArchiveError: the submission is refused.
    """
    entries = list_entries(reader)
    manifest = read_manifest(reader, entries) if isinstance(reader, TarReader) else None
    files, notes = take(reader, entries, package)
    own = take_scripts(reader, entries, package, scripts)
    notes += data_notes(own)
    if isinstance(reader, GitReader):
        notes = (f"commit {reader.commit}", *notes)
    if manifest is not None:
        verify(manifest, files, package)
        if student and manifest.student not in ("", student):
            notes = (*notes, "the bundle's manifest names another student")
    return Submission(
        label=label,
        student=student or (manifest.student if manifest else ""),
        round=manifest.round if manifest else "",
        digest=digest_of(files),
        files=files,
        scripts=own,
        notes=notes,
    )
