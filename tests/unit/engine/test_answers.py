"""Where recorded answers are kept: private, whole, made once."""

from __future__ import annotations

import multiprocessing
import os
import stat
import time
from pathlib import Path

import pytest

from grader.answers import FOLDER, KEPT, Shelf
from grader.checks.recording import Exchange, asked, seal
from grader.rounds import demo_round

ROUND = demo_round()
BASIS = b"b" * 32
RECORDING = {"tensor::one": (Exchange(asked(b"x"), b"{}", b"body"),)}
DATA = seal(RECORDING, BASIS, ROUND.secret)


def filled(state: Path) -> Path:
    Shelf(state, ROUND).record(BASIS.hex(), lambda: DATA)
    (path,) = (state / FOLDER).glob("*.answers")
    return path


def test_what_is_recorded_is_found_by_its_basis(tmp_path: Path) -> None:
    filled(tmp_path)

    shelf = Shelf(tmp_path, ROUND)

    assert shelf.recording(BASIS) == RECORDING
    assert shelf.recording(b"c" * 32) == {}


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        path = filled(tmp_path)
    finally:
        os.umask(umask)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("damage", ["cut", "changed", "another", "empty"])
def test_a_damaged_file_is_told_removed_and_made_anew(
    damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = filled(tmp_path)
    changed = DATA[:-1] + bytes([DATA[-1] ^ 1])
    another = seal(RECORDING, BASIS, b"another secret")
    wrong = {"cut": DATA[:50], "changed": changed, "another": another, "empty": b""}
    path.write_bytes(wrong[damage])

    assert Shelf(tmp_path, ROUND).recording(BASIS) == {}
    assert not path.exists()
    assert path.name in caplog.text
    assert filled(tmp_path).read_bytes() == DATA


def test_a_file_that_lies_under_another_name_is_not_used(tmp_path: Path) -> None:
    path = filled(tmp_path)
    path.rename(path.with_name(f"{(b'c' * 32).hex()}.answers"))

    assert Shelf(tmp_path, ROUND).recording(b"c" * 32) == {}


def test_a_recording_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fails() -> bytes:
        msg = "the sandbox does not start"
        raise RuntimeError(msg)

    with pytest.raises(RuntimeError):
        Shelf(tmp_path, ROUND).record(BASIS.hex(), fails)

    assert not list((tmp_path / FOLDER).glob("*.answers"))
    assert filled(tmp_path).exists()


def test_old_rounds_go(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, ROUND)
    for number in range(KEPT + 3):
        basis = bytes([number]) * 32
        shelf.record(basis.hex(), lambda basis=basis: seal({}, basis, ROUND.secret))  # type: ignore[misc]

    assert len(list((tmp_path / FOLDER).iterdir())) == KEPT + 1  # and the lock
    assert shelf.data((bytes([KEPT + 2]) * 32).hex()) is not None


def _make(state: Path) -> None:
    def slowly() -> bytes:
        with (state / "made").open("a") as file:
            file.write("x")
        time.sleep(0.3)
        return DATA

    Shelf(state, ROUND).record(BASIS.hex(), slowly)


def test_of_several_that_need_it_one_makes_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_make, args=(tmp_path,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert [p.exitcode for p in processes] == [0, 0, 0]
    assert (tmp_path / "made").read_text() == "x"
    assert Shelf(tmp_path, ROUND).recording(BASIS) == RECORDING
