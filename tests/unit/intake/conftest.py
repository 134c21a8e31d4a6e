from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def scratch(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A temporary folder of intake's own; every test ends with it empty."""
    folder = tmp_path_factory.mktemp("scratch")
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    before = descriptors()
    yield folder
    assert list(folder.iterdir()) == []
    assert descriptors() <= before


def descriptors() -> int:
    """Count open files, where the system tells."""
    own = Path("/proc/self/fd")
    return len(list(own.iterdir())) if own.exists() else 0
