"""A pack as a file: a zip whose first entry is the manifest.

Suites are code that runs where verdicts are made, so a pack is used only if it comes
from one's own course; it is read with care all the same.
"""

from __future__ import annotations

import hashlib
import io
import logging
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grader
from grader.checks.packed import PackedAnswers
from grader.checks.recording import DamagedRecordingError, Recording, unseal
from grader.checks.suites import suites_digest
from grader.config import Home, load_course
from grader.errors import ConfigError
from grader.host import describe_host
from grader.models.course import Course
from grader.packs.models import Manifest
from grader.rounds import Round

MANIFEST: Final = "pack.json"
ANSWERS: Final = "answers"
MOST_BYTES: Final = 64 * 2**20  # of a pack, packed or not; the course's has 1 MB
MOST_FILES: Final = 200
AGAIN: Final = "get the pack again from whoever runs the course"
# What reading a zip and its JSON raises; pydantic's error is a ValueError.
BROKEN: Final = (
    zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, EOFError,
    RuntimeError,
)  # fmt: skip
_DATE: Final = (1980, 1, 1, 0, 0, 0)  # the first day that a zip file can name
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenPack:
    """A pack that was checked and lies unpacked where its owner alone can read it."""

    digest: str
    manifest: Manifest
    home: Home
    course: Course
    answers: PackedAnswers

    @property
    def round(self) -> Round:
        """The round whose inputs are in it."""
        return self.manifest.round


def written(manifest: Manifest, files: Mapping[str, bytes]) -> bytes:
    """Return the pack; the same content gives the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(MANIFEST, _DATE), text_of(manifest))
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, files[name])
    return out.getvalue()


def text_of(manifest: Manifest) -> bytes:
    """Return the manifest as it stands in the pack."""
    return manifest.model_dump_json(indent=1).encode()


def digest_of(data: bytes) -> str:
    """Return the digest of a manifest, or of a file."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def agent_digest() -> str:
    """Return the digest of the program that puts questions to packages."""
    folder = Path(grader.__file__).parent / "agent"
    return digest_of(b"\0".join(p.read_bytes() for p in sorted(folder.glob("*.py"))))


def read(path: Path) -> tuple[str, Manifest, dict[str, bytes]]:
    """Return digest, manifest and files of a pack.

    Raises:
        ConfigError: it is no pack, or not as it was made.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _damaged(path, "it is too large")
        with zipfile.ZipFile(path) as archive:
            return _content(path, archive)
    except OSError as exc:
        msg = f"{path}: {exc.strerror or 'it cannot be read'}"
        hint = "name the file that `grader pack build` made"
        raise ConfigError(msg, hint=hint) from exc
    except BROKEN as exc:
        raise _damaged(path, "it is another kind of file, or cut off") from exc


def _content(
    path: Path, archive: zipfile.ZipFile
) -> tuple[str, Manifest, dict[str, bytes]]:
    infos = {info.filename: info for info in archive.infolist()}
    total = sum(info.file_size for info in infos.values())
    if len(archive.infolist()) > MOST_FILES or total > MOST_BYTES:
        raise _damaged(path, "it is too large")
    if MANIFEST not in infos:
        raise _damaged(path, f"it has no {MANIFEST}")
    text = _read(archive, infos.pop(MANIFEST))
    manifest = Manifest.model_validate_json(text)
    files = {name: _read(archive, info) for name, info in infos.items()}
    listed = {file.name: (file.size, file.digest) for file in manifest.files}
    if listed != {name: (len(x), digest_of(x)) for name, x in files.items()}:
        raise _damaged(path, f"its files are not those of its {MANIFEST}")
    return digest_of(text), manifest, files


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Read as much as an entry claims to have, never more."""
    with archive.open(info) as file:
        return file.read(info.file_size + 1)


def _damaged(path: Path, why: str) -> ConfigError:
    return ConfigError(f"{path} is no answer pack that can be used: {why}", hint=AGAIN)


@contextmanager
def opened(path: Path) -> Iterator[OpenPack]:
    """Unpack a pack for as long as it is used.

    Raises:
        ConfigError: it is damaged, of another version of the grader, or of a round
            that is not for feedback.
    """
    digest, manifest, files = read(path)
    _fits(path, manifest)
    with tempfile.TemporaryDirectory(prefix="tinytorch-pack-") as folder:  # 0700
        home = Home(Path(folder))
        home.suites.mkdir(parents=True)
        for name, data in files.items():
            if name != ANSWERS:
                target = home.course_file if "/" not in name else _suite(home, name)
                target.write_bytes(data)
        if suites_digest(home.suites) != manifest.suites:
            raise _damaged(path, "its suites are not those that it names")
        answers = PackedAnswers(
            pack=digest,
            reference=manifest.reference,
            recording=_recording(path, manifest, files.get(ANSWERS, b"")),
            proven=frozenset(manifest.proven),
        )
        course = load_course(home.course_file)
        yield OpenPack(digest, manifest, home, course, answers)


def _suite(home: Home, name: str) -> Path:
    return home.suites / name.removeprefix("checks/")


def _fits(path: Path, manifest: Manifest) -> None:
    """Refuse what this grader cannot use; tell what may leave checks unjudged."""
    if manifest.round.kind != "feedback":
        msg = f"{path} is of a {manifest.round.kind} round; packs are for feedback only"
        raise ConfigError(msg, hint=AGAIN)
    if (manifest.engine, manifest.agent) != (grader.__version__, agent_digest()):
        msg = f"{path} was made by another grader ({manifest.engine})"
        raise ConfigError(
            msg, hint="grade with the version that made it, or get the pack again"
        )
    here, there = describe_host(), manifest.made_on
    if here.numpy != there.numpy:
        _log.warning(
            "the pack was made with numpy %s, and here is %s; some checks may ask "
            "what it has no answer to",
            there.numpy,
            here.numpy,
        )


def _recording(path: Path, manifest: Manifest, data: bytes) -> Recording:
    try:
        return unseal(data, basis_of(manifest), manifest.round.secret)
    except DamagedRecordingError as exc:
        raise _damaged(path, f"its answers: {exc}") from exc


def basis_of(manifest: Manifest) -> bytes:
    """Return what the answers of a pack are sealed with, 32 bytes."""
    parts = (manifest.suites, manifest.reference, manifest.agent, manifest.engine)
    return hashlib.sha256("\0".join(parts).encode()).digest()


def facts(path: Path) -> dict[str, str]:
    """Return what a pack is, as name and text.

    Raises:
        ConfigError: it is none that this grader can use.
    """
    with opened(path) as pack:
        said, made = pack.manifest, pack.manifest.made_on
    return {
        "pack": pack.digest,
        "course": said.course,
        "round": f"{said.round.name} ({said.round.kind})",
        "suites": said.suites,
        "reference": said.reference,
        "engine": said.engine,
        "made on": f"Python {made.python}, numpy {made.numpy}, {made.cpu}",
        "proven": f"{len(said.proven)} checks",
        "unanswered": ", ".join(said.unanswered) or "none",
    }
