from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.store import Store
from store.arrivals import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    opened = Store.open(tmp_path / "store", now=clock)
    yield opened
    opened.close()
