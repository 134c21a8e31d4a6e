"""Folders of killed graders are found again, those of living ones never touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path

import pytest

from grader.errors import SandboxUnavailableError
from grader.sandbox.scratch import SCRATCH_PREFIX, Scratch, sweep_scratch


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_closing_removes_the_folder_and_what_is_in_it() -> None:
    with closing(Scratch()) as scratch:
        mode = Path(scratch.path).stat().st_mode
        (Path(scratch.path) / "deep" / "down").mkdir(parents=True)

    assert mode & 0o7777 == 0o1777
    assert not Path(scratch.path).exists()


def test_a_folder_in_use_is_not_swept_even_by_its_own_process() -> None:
    with closing(Scratch()) as scratch:
        assert sweep_scratch() == 0
        assert Path(scratch.path).is_dir()


def test_a_folder_of_a_killed_process_is_swept(place: Path) -> None:
    source = """
import os, signal
from pathlib import Path
from grader.errors import SandboxUnavailableError
from grader.sandbox.scratch import Scratch
scratch = Scratch()
(Path(scratch.path) / "file").write_text("left over")
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", source], check=False)
    left = list(place.glob(f"{SCRATCH_PREFIX}*"))

    assert done.returncode == -signal.SIGKILL
    assert len(left) == 1
    assert sweep_scratch() == 1
    assert list(place.iterdir()) == []


def test_only_folders_of_ours_are_swept(place: Path) -> None:
    (place / "elsewhere").mkdir()
    (place / "target").mkdir()
    (place / f"{SCRATCH_PREFIX}link").symlink_to(place / "target")
    (place / f"{SCRATCH_PREFIX}file").write_text("no folder")
    if os.geteuid() == 0:
        (place / f"{SCRATCH_PREFIX}foreign").mkdir()
        os.chown(place / f"{SCRATCH_PREFIX}foreign", 65534, 65534)
    before = sorted(place.iterdir())

    assert sweep_scratch() == 0
    assert sorted(place.iterdir()) == before


def test_making_and_sweeping_at_once_never_takes_a_folder_in_use() -> None:
    ended = threading.Event()

    def sweep() -> None:
        while not ended.is_set():
            sweep_scratch()

    sweeper = threading.Thread(target=sweep)
    sweeper.start()
    try:
        for _ in range(100):
            with closing(Scratch()) as scratch:
                assert (Path(scratch.path) / ".").is_dir()
    finally:
        ended.set()
        sweeper.join()


def test_one_who_seems_to_be_another_user_gets_a_folder_too(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)

    with closing(Scratch()):
        assert len(list(place.iterdir())) == 1
        assert sweep_scratch() == 0


def test_where_nothing_can_be_locked_it_is_said_and_not_tried_for_ever(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.sandbox.scratch._lock", lambda _: None)

    with pytest.raises(SandboxUnavailableError, match="can be locked"):
        Scratch()
    assert len(list(place.iterdir())) <= 20
