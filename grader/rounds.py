"""Rounds: the secret that a grading's inputs are drawn from, kept by staff alone."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from grader.errors import ConfigError
from grader.models.base import Model

RoundKind = Literal["feedback", "final", "demo"]
NAME: Final = r"^[a-z0-9][a-z0-9._-]{0,63}$"
# The demo grades packages that ship with the repository; its inputs are no secret.
DEMO_SECRET: Final = b"the demo has nothing to hide"


class Round(Model):
    """One round: all its submissions meet the same inputs."""

    schema_version: Literal[1] = 1
    name: Annotated[str, Field(pattern=NAME)]
    kind: RoundKind
    secret_hex: Annotated[str, Field(pattern=r"^[0-9a-f]{32,128}$")]
    created_at: datetime

    @property
    def secret(self) -> bytes:
        """The key that seeds are derived from."""
        return bytes.fromhex(self.secret_hex)


def demo_round() -> Round:
    """Return the round of `make demo`."""
    return Round(
        name="demo",
        kind="demo",
        secret_hex=DEMO_SECRET.hex(),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def new_round(state: Path, name: str, kind: RoundKind) -> Round:
    """Make a round with a fresh secret and keep it under `state`, readable by us alone.

    Raises:
        ConfigError: the name is taken or not allowed, or the folder is not writable.
    """
    try:
        made = Round(
            name=name,
            kind=kind,
            secret_hex=secrets.token_hex(32),
            created_at=datetime.now(UTC),
        )
    except ValidationError as exc:
        msg = f"{name!r} is no name for a round"
        hint = "use small letters, digits, dots and hyphens: week-3"
        raise ConfigError(msg, hint=hint) from exc
    write_private(round_file(state, name), made.model_dump_json(indent=1).encode())
    return made


def round_names(state: Path) -> list[str]:
    """Return the names of all rounds that have a secret, in order."""
    return sorted(path.stem for path in (state / "rounds").glob("*.json"))


def load_round(state: Path, name: str) -> Round:
    """Return the round called `name`; the only one there is, if `name` is empty.

    Raises:
        ConfigError: there is none, or more than one and no name.
    """
    names = round_names(state)
    if not name:
        if len(names) != 1:
            msg = "which round?" if names else "there is no round yet"
            hint = f"--round {'|'.join(names)}" if names else "grader round new week-1"
            raise ConfigError(msg, hint=hint)
        name = names[0]
    if name not in names:
        msg = f"there is no round {name!r}"
        hint = f"rounds: {', '.join(names)}" if names else "grader round new week-1"
        raise ConfigError(msg, hint=hint)
    path = round_file(state, name)
    try:
        return Round.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as exc:
        msg = f"{path} cannot be read"
        raise ConfigError(
            msg, hint="restore it from a backup; a secret has no copy"
        ) from exc


def course_secret(state: Path) -> bytes:
    """Return the secret that aliases are derived from; made at first use."""
    path = state / "course.secret"
    if not path.exists():
        write_private(path, secrets.token_hex(32).encode())
    return bytes.fromhex(path.read_text(encoding="ascii").strip())


def round_file(state: Path, name: str) -> Path:
    """Return the file with the secret of a round, which need not be there."""
    return state / "rounds" / f"{name}.json"


def write_private(path: Path, data: bytes) -> None:
    """Write a new file that only its owner can read.

    Raises:
        ConfigError: it exists, or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    except FileExistsError as exc:
        msg = f"{path} exists already"
        raise ConfigError(
            msg, hint="choose another name; a secret is never replaced"
        ) from exc
    except OSError as exc:
        msg = f"{path}: {exc.strerror}"
        raise ConfigError(msg) from exc
