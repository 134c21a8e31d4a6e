"""The bundle that `make submit` writes: a tar.gz whose first entry is a manifest.

`student_template/tito/bundle.py` writes the same form without importing this module;
a test holds both together.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable, Sequence
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from grader.intake.entries import ArchiveError, Entry, Kind, Reader
from grader.intake.limits import FILE_BYTES, FILES, META_BYTES, PATH_BYTES
from grader.models.base import Digest, Model, ModuleName
from grader.models.submission import SourceFile, Submission

MANIFEST: Final = "manifest.json"
SUFFIX: Final = ".tinytorch.tar.gz"
AGAIN = "Run `make submit` again and send its file unchanged."

StudentId = Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9._@+-]{0,63})?$")]
RoundId = Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,63})?$")]


class ManifestFile(Model):
    """One file of a bundle."""

    path: Annotated[str, Field(max_length=PATH_BYTES)]
    size: Annotated[int, Field(ge=0, le=FILE_BYTES)]


class Manifest(Model):
    """What a bundle says about itself; believed only where the content agrees."""

    schema_version: Literal[1] = 1
    student: StudentId
    round: RoundId = ""
    package: ModuleName
    digest: Digest
    created_by: Annotated[str, Field(max_length=80)] = ""
    files: Annotated[tuple[ManifestFile, ...], Field(max_length=FILES)]


def read_manifest(reader: Reader, entries: Sequence[Entry]) -> Manifest | None:
    """Return the manifest, if the first entry is one.

    Raises:
        ArchiveError: it is too large or not of the form.
    """
    first = entries[0] if entries else None
    if first is None or first.parts != (MANIFEST,) or first.kind is not Kind.FILE:
        return None
    if first.size > META_BYTES:
        msg = f"{MANIFEST} is larger than {META_BYTES} bytes"
        raise ArchiveError(msg, AGAIN)
    ((_, data),) = reader.read([first])
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as problem:
        where = ".".join(str(part) for part in problem.errors()[0]["loc"][:1])
        known = where if where in Manifest.model_fields else "the whole"
        msg = f"{MANIFEST} is not one of `make submit`: {known} is wrong"
        raise ArchiveError(msg, AGAIN) from None


def verify(manifest: Manifest, files: Sequence[SourceFile], package: str) -> None:
    """Hold a manifest against the content.

    Raises:
        ArchiveError: they disagree.
    """
    if manifest.package != package:
        msg = f"the bundle is of package {manifest.package}, not {package}"
        raise ArchiveError(msg, "Send it to the course it was made for.")
    listed = [(file.path, file.size) for file in manifest.files]
    content = [(file.path, len(file.data)) for file in files]
    if listed != content or manifest.digest != digest_of(files):
        msg = "the bundle's content is not what its manifest says"
        raise ArchiveError(msg, AGAIN)


def digest_of(files: Iterable[SourceFile]) -> str:
    """Return SHA-256 over path, NUL, length, NUL and content of the sorted files."""
    total = hashlib.sha256()
    for file in sorted(files, key=lambda file: file.path):
        total.update(f"{file.path}\0{len(file.data)}\0".encode())
        total.update(file.data)
    return f"sha256:{total.hexdigest()}"


def pack(submission: Submission, package: str = "tinytorch") -> bytes:
    """Return a submission as a bundle; the same content gives the same bytes."""
    manifest = Manifest(
        student=submission.student,
        round=submission.round,
        package=package,
        digest=submission.digest,
        created_by="grader",
        files=tuple(
            ManifestFile(path=file.path, size=len(file.data))
            for file in submission.files
        ),
    )
    members = [(MANIFEST, manifest.model_dump_json().encode())]
    members += [(file.path, file.data) for file in submission.files]
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        folder = tarfile.TarInfo(package)
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
            if name == MANIFEST:
                tar.addfile(folder)  # so that an empty package is one
    return gzip.compress(plain.getvalue(), mtime=0)
