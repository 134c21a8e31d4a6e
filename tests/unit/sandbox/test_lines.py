"""What a container says while it grades, and what a host makes of it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from grader.sandbox import lines
from grader.sandbox.lines import LONGEST, MARK, MOST_TEXT, Line, Listener, Speaker


def said(doing: str, memory_bytes: int = 7) -> bytes:
    text = Line(doing=doing, memory_bytes=memory_bytes).model_dump_json()
    return MARK + text.encode() + b"\n"


@pytest.mark.parametrize("size", [1, 3, 10, 1000])
def test_lines_are_taken_out_of_a_stream_cut_anywhere(size: int) -> None:
    heard: list[str] = []
    listener = Listener(heard.append)
    data = b"a warning\n" + said("tensor::test_add") + b"more" + said("the end", 8)
    data += said("the end", 9)  # only its memory is news

    rest = b"".join(
        listener.hear(data[start : start + size]) for start in range(0, len(data), size)
    )

    assert heard == ["tensor::test_add", "the end"]
    assert rest == b"a warning\nmore"
    assert listener.last == Line(doing="the end", memory_bytes=9)


@pytest.mark.parametrize(
    "line",
    [
        b"no json",
        b'{"doing": "x"}',
        b'{"doing": "x", "memory_bytes": -1}',
        b'{"doing": "' + b"x" * (MOST_TEXT + 1) + b'", "memory_bytes": 1}',
        b'{"doing": "x", "memory_bytes": 1, "earned": 100}',
    ],
    ids=["no JSON", "no memory", "negative", "too long", "one field more"],
)
def test_what_is_no_line_of_ours_changes_nothing(line: bytes) -> None:
    heard: list[str] = []
    listener = Listener(heard.append)

    rest = listener.hear(MARK + line + b"\n" + said("after"))

    assert heard == ["after"]
    assert rest == b""


def test_a_line_without_end_is_never_held_beyond_its_cap() -> None:
    listener = Listener()

    listener.hear(MARK)
    for _ in range(100):
        listener.hear(b"x" * LONGEST)

    assert len(listener._line) == LONGEST
    assert listener.hear(b"\nafter") == b"after"


def test_nothing_that_a_terminal_obeys_is_passed_on() -> None:
    heard: list[str] = []

    Listener(heard.append).hear(said("a\x1b[2Jb\rc\nd\u202ee"))

    assert heard == ["a?[2Jb?c?d?e"]


def test_many_words_are_few_lines_and_the_first_comes_at_once() -> None:
    reading, writing = os.pipe()
    started = time.monotonic()
    with Speaker(writing, beat_s=0.1) as speaker:
        speaker.say("compiling")
        first = os.read(reading, LONGEST)
        for number in range(1000):
            speaker.say(f"check {number}")
        while time.monotonic() < started + 0.35:
            time.sleep(0.01)
    passed_s = time.monotonic() - started
    os.close(writing)
    heard: list[str] = []
    with os.fdopen(reading, "rb") as stream:
        Listener(heard.append).hear(first + stream.read())

    assert b"compiling" in first
    assert heard[-1] == "check 999"
    assert 2 <= len(heard) <= 2 + passed_s / 0.1


def test_a_host_that_does_not_read_holds_nothing_up() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    while True:  # until the pipe is full
        try:
            os.write(writing, b"x" * 4096)
        except BlockingIOError:
            break
    os.set_blocking(writing, True)
    started = time.monotonic()
    speaker = Speaker(writing, beat_s=0.05)
    speaker._doing = "a check"  # the first line was read
    with speaker:
        time.sleep(0.2)
        speaker.say("another")
    ended = time.monotonic()
    os.read(reading, 1 << 20)  # lets the thread end

    assert ended - started < 5


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("anon 5\nfile 100\nshmem 3\n", 8),
        ("cache 9\nrss 1\ntotal_rss 40\ntotal_shmem 2\n", 42),
    ],
    ids=["version 2", "version 1"],
)
def test_memory_is_what_cannot_be_dropped(
    text: str, held: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "memory.stat"
    there.write_text(text)
    version = 0 if "anon" in text else 1
    paths = [tmp_path / "none", tmp_path / "none"]
    paths[version] = there
    monkeypatch.setattr(lines, "_STAT", tuple(paths))

    assert lines.held_bytes() == held


def test_memory_is_unknown_where_no_control_group_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "_STAT", (tmp_path / "a", tmp_path / "b"))

    assert lines.held_bytes() == 0
