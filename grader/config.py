"""Read `course.toml` and find what belongs to it; every refusal names file and key."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from grader.errors import ConfigError
from grader.models.course import Course


@dataclass(frozen=True)
class Home:
    """Where the course lives: its file and the folders beside it."""

    folder: Path

    @property
    def course_file(self) -> Path:
        return self.folder / "course.toml"

    @property
    def reference(self) -> Path:
        return self.folder / "reference"

    @property
    def suites(self) -> Path:
        return self.folder / "reference" / "checks"

    @property
    def mutants(self) -> Path:
        return self.folder / "reference" / "mutants"

    @property
    def template(self) -> Path:
        return self.folder / "student_template"

    @property
    def milestones(self) -> Path:
        return self.folder / "milestones"

    @property
    def leaderboard(self) -> Path:
        return self.folder / "leaderboard"


def find_home(start: Path | None = None) -> Home:
    """Return the nearest folder with a `course.toml`: `start`, above it, or ours.

    Raises:
        ConfigError: there is none.
    """
    begin = (start or Path.cwd()).resolve()
    beside = Path(__file__).resolve().parents[1]
    for folder in [begin, *begin.parents, beside]:
        if (folder / "course.toml").is_file():
            return Home(folder)
    msg = f"no course.toml in {begin} or above it"
    raise ConfigError(msg, hint="run inside a course, or name it with --course FOLDER")


def state_folder(home: Home) -> Path:
    """Return where secrets and results live: GRADER_STATE, or `.grader` beside us."""
    return Path(os.environ.get("GRADER_STATE") or home.folder / ".grader")


def data_folder(home: Home) -> Path | None:
    """Return where data sets are: TINYTORCH_DATA, or what `data fetch` has filled."""
    named = os.environ.get("TINYTORCH_DATA")
    if named:
        return Path(named)
    own = state_folder(home) / "data"
    return own if own.is_dir() else None


def load_course(path: Path) -> Course:
    """Return the course in `path`, checked.

    Raises:
        ConfigError: naming the file and the key that is wrong.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf8"))
    except OSError as exc:
        msg = f"{path}: {exc.strerror}"
        raise ConfigError(msg) from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        msg = f"{path}: not TOML: {exc}"
        raise ConfigError(msg) from exc
    try:
        course = Course.model_validate(_tuples(data), strict=False)
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        key = _key(first["loc"], data)
        msg = f"{path}: {key}: {first['msg']}"
        raise ConfigError(
            msg, hint="keys are listed in docs/reference/course.md"
        ) from exc
    _check_references(path, course)
    return course


def _tuples(value: Any) -> Any:
    """TOML has lists; the models hold tuples."""
    if isinstance(value, list):
        return tuple(_tuples(v) for v in value)
    if isinstance(value, dict):
        return {k: _tuples(v) for k, v in value.items()}
    return value


def _key(location: tuple[int | str, ...], data: Any) -> str:
    """Return "modules.tensor.points" for ("modules", 1, "points")."""
    parts = []
    for part in location:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            data = None
        if isinstance(part, int):
            named = isinstance(data, dict) and (data.get("name") or data.get("number"))
            parts.append(str(named or part))
        else:
            parts.append(part)
    return ".".join(parts)


def _check_references(path: Path, course: Course) -> None:
    """Refuse names that do not exist, come twice or need each other."""
    for what, names in (
        ("modules", [m.name for m in course.modules]),
        ("milestones", [m.name for m in course.milestones]),
        ("symbols", [s.name for m in course.modules for s in m.symbols]),
    ):
        if twice := {n for n in names if names.count(n) > 1}:
            msg = f"{path}: {what}: {min(twice)!r} is there twice"
            raise ConfigError(msg)
    known = {m.name: m.needs for m in course.modules}
    for owner, needs in [
        *((f"modules.{m.name}", m.needs) for m in course.modules),
        *((f"milestones.{m.name}", m.needs) for m in course.milestones),
    ]:
        for need in needs:
            if need not in known:
                msg = f"{path}: {owner}.needs: there is no module {need!r}"
                raise ConfigError(msg)
    _check_cycles(path, known)


def _check_cycles(path: Path, needs: dict[str, tuple[str, ...]]) -> None:
    done: set[str] = set()
    for start, first in needs.items():
        trail = [start]
        stack = [iter(first)]
        while stack:
            for name in stack[-1]:
                if name in trail:
                    loop = " -> ".join([*trail[trail.index(name) :], name])
                    msg = f"{path}: modules.{name}.needs: a circle: {loop}"
                    raise ConfigError(msg)
                if name not in done:
                    trail.append(name)
                    stack.append(iter(needs[name]))
                    break
            else:
                stack.pop()
                done.add(trail.pop())
