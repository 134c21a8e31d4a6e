"""Keys of submissions that cannot be read."""

from __future__ import annotations

import pytest

from grader.batch import keys
from grader.errors import InconclusiveError


def test_what_cannot_be_read_now_stops_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def slow(*_args: object, **_more: object) -> None:
        message = "git did not finish in time"
        raise InconclusiveError(message)

    monkeypatch.setattr(keys, "open_submission", slow)

    key = keys.key_of("basis", "ann", "git+https://example.org/a@b", "tinytorch")

    assert key.startswith("sha256:")
