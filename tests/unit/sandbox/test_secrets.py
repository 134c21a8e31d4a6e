"""What plain users must not be able to read, where only users stand between."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.sandbox import wall


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody can enter; pytest's own are closed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        if any(not os.stat(p).st_mode & 0o001 for p in folder.parents):  # noqa: PTH116
            pytest.skip("the folder of temporary files is closed to others")
        yield folder


@pytest.mark.parametrize(("mode", "refused"), [(0o600, False), (0o644, True)])
def test_a_secret_file_is_refused_if_others_can_read_it(
    open_folder: Path, mode: int, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", "/")
    monkeypatch.setattr(sys, "base_prefix", "/")
    secret = open_folder / "week-1.pack"
    secret.write_bytes(b"x")
    secret.chmod(mode)

    problem = wall._readable_problem((secret,))

    assert ("every user can read" in problem) is refused
