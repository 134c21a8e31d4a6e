"""Waiting for an engine that does not answer."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from grader.errors import SandboxUnavailableError
from grader.sandbox.engine import connect


@pytest.mark.parametrize("patience_s", [0.0, 0.7])
def test_an_engine_is_waited_for_as_long_as_asked(
    patience_s: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    started = time.monotonic()

    with pytest.raises(SandboxUnavailableError, match="no Docker engine answers"):
        connect(patience_s)

    waited_s = time.monotonic() - started
    assert patience_s <= waited_s < patience_s + 5
