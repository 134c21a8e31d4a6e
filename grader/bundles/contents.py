"""The files that a bundle is made of: engine, course, one round; never the store."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grader
from grader import rounds
from grader.bundles.settings import FILE, Product, Settings
from grader.config import Home, state_folder
from grader.errors import ConfigError
from grader.grading import GradeOptions, course_of

Files = dict[str, bytes]
STATIC: Final = Path(__file__).parent / "files"
SKIPPED: Final = {"__pycache__"}
COURSE: Final = ("milestones", "reference")
# Of the reference: what grades. Mutants and tools prove suites, and stay at home.
REFERENCE: Final = {"checks"}
_DATE: Final = (1980, 1, 1, 0, 0, 0)  # the first day that a zip file can name
RESERVE: Final = 0.9  # of the product's time limit


@dataclass(frozen=True)
class Asked:
    """A bundle that staff ask for; `grade` as for a single grading."""

    product: Product
    grade: GradeOptions
    timeout_s: float  # the product's own limit
    wheels: Path | None = None  # install these, without a network


def settings_of(asked: Asked) -> Settings:
    """Return what the bundle grades.

    Raises:
        ConfigError: there is no such round, module or milestone.
    """
    home, _ = course_of(asked.grade)
    chosen = rounds.load_round(state_folder(home), asked.grade.round)
    return Settings(
        product=asked.product,
        round=chosen.name,
        profile=asked.grade.profile,
        modules=asked.grade.modules,
        milestones=asked.grade.milestones,
        deadline_s=asked.timeout_s * RESERVE,
        engine=grader.__version__,
    )


def round_files(asked: Asked, settings: Settings) -> Files:
    """Return settings and the secret of that round alone."""
    home, _ = course_of(asked.grade)
    chosen = rounds.load_round(state_folder(home), settings.round)
    secret = chosen.model_dump_json(indent=1).encode()
    return {
        FILE: settings.model_dump_json(indent=1).encode(),
        f"state/rounds/{chosen.name}.json": secret,
    }


def program_files(asked: Asked) -> Files:
    """Return engine, course and what installs them.

    Raises:
        ConfigError: the lock file or a wheel is missing.
    """
    home, course = course_of(asked.grade)
    files = {"setup.sh": (STATIC / "setup.sh").read_bytes()}
    files |= {f"engine/grader/{k}": v for k, v in engine_files().items()}
    files |= {f"course/{k}": v for k, v in course_files(home, course.package).items()}
    files["requirements.lock"] = _lock(home)
    if asked.wheels is not None:
        found = sorted(asked.wheels.glob("*.whl"))
        if not found:
            msg = f"there are no wheels in {asked.wheels}"
            raise ConfigError(msg, hint="pip download -r requirements.lock -d FOLDER")
        files |= {f"wheels/{path.name}": path.read_bytes() for path in found}
    return files


def _lock(home: Home) -> bytes:
    path = home.folder / "requirements.lock"
    try:
        return path.read_bytes()
    except OSError as exc:
        msg = f"{path}: {exc.strerror}"
        hint = "bundles are made in a checkout, beside requirements.lock"
        raise ConfigError(msg, hint=hint) from exc


def engine_files() -> Files:
    """Return the package `grader` as it is running here."""
    return _below(Path(grader.__file__).parent)


def course_files(home: Home, package: str) -> Files:
    """Return `course.toml`, milestones with their small data, suites and reference."""
    wanted = REFERENCE | {package}
    files = {"course.toml": home.course_file.read_bytes()}
    for name in COURSE:
        for path, data in _below(home.folder / name).items():
            parts = Path(path).parts
            if name == "reference" and parts[0] not in wanted:
                continue
            if name == "milestones" and not (
                path.endswith(".py") or parts[0] == "data"
            ):
                continue
            files[f"{name}/{path}"] = data
    return files


def _below(folder: Path) -> Files:
    """Return the files below `folder` that are no trace of a run."""
    found = {}
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        trace = any(p in SKIPPED or p.startswith(".") for p in parts)
        if path.is_file() and not trace:
            found["/".join(parts)] = path.read_bytes()
    return found


def zipped(files: Mapping[str, bytes], programs: Iterable[str]) -> bytes:
    """Return a zip; the same files give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            mode = 0o755 if name in set(programs) else 0o600
            info.external_attr = (0o100000 | mode) << 16
            archive.writestr(info, files[name])
    return out.getvalue()


def tarred(files: Mapping[str, bytes]) -> bytes:
    """Return a tar that is its owner's alone; the same files give the same bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(files[name]), 0o600
            archive.addfile(info, io.BytesIO(files[name]))
    return out.getvalue()


def write_folder(target: Path, files: Mapping[str, bytes]) -> None:
    """Write files into the new folder `target`, readable by its owner alone.

    Raises:
        ConfigError: it exists, or cannot be written.
    """
    try:
        target.mkdir(mode=0o700, parents=True)
        for name, data in sorted(files.items()):
            path = target / name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_bytes(data)
            path.chmod(0o600)
    except FileExistsError as exc:
        msg = f"{target} exists already"
        raise ConfigError(msg, hint="name a new folder, or remove this one") from exc
    except OSError as exc:
        msg = f"{target}: {exc.strerror}"
        raise ConfigError(msg) from exc
