"""What an interrupted validation has found so far: one JSON line a mutant."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Self

from pydantic import ValidationError

from grader.errors import ConfigError
from grader.models.validation import MutantResult


class Journal:
    """Results by digest of the mutant, kept in a file as soon as they are there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: dict[str, MutantResult] = {}

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._read()
            self._file = self.path.open("ab")
        except OSError as exc:
            msg = f"{self.path}: {exc.strerror}"
            raise ConfigError(msg, hint="GRADER_STATE names a folder to write") from exc
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _read(self) -> None:
        if not self.path.is_file():
            return
        for line in self.path.read_bytes().splitlines():
            try:
                row = json.loads(line)
                result = MutantResult.model_validate_json(json.dumps(row["result"]))
                self.found[row["digest"]] = result
            except (ValueError, KeyError, ValidationError):
                continue  # the last line of a run that was killed

    def add(self, digest: str, result: MutantResult) -> None:
        """Keep one result, now."""
        self.found[digest] = result
        row = {"digest": digest, "result": result.model_dump(mode="json")}
        self._file.write(json.dumps(row).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
