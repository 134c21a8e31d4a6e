"""A cache is worth time alone: whatever is in it, the site has the same bytes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reports.samples import good, perfect, report

from grader.errors import StoreError
from grader.models.session import Session
from grader.publish import rendering
from grader.publish.cache import NAME, Cache, key_of
from grader.publish.measured import Measurement
from publish.contest import Contest, contest

Site = dict[PurePosixPath, bytes]


def everything() -> Contest:
    """Return a contest with points, milestones, a duel, and somebody hidden."""
    held = contest({"ada": 0.4, "eve": 0.2, "max": 0.2})
    held.stored(report("ada", modules=perfect()))
    held.stored(report("eve", modules=good(), minutes=1))
    held.stored(report("zoe-the-hidden", modules=good(), minutes=2))
    held.ran("zoe-the-hidden", 0.9, code="f")
    held.ran("eve", 0.6, code="c", hour=4)
    held.duel("eve", "ada", 0.2, codes="ca", hour=5)
    return held


@pytest.fixture(scope="module")
def held() -> Contest:
    return everything()


@pytest.fixture(scope="module")
def plain(held: Contest) -> Site:
    return held.site()


def test_the_site_holds_the_competition(plain: Site) -> None:
    names = [str(path) for path in plain]

    assert sum(n.startswith("data/v1/samples/") for n in names) == 3
    assert sum(n.startswith("badges/") for n in names) == 3
    assert "tinymlperf/closed-latency.html" in names


def test_no_byte_names_who_is_hidden(plain: Site) -> None:
    for path, content in plain.items():
        assert b"zoe" not in content.lower(), path
    assert not any("zoe" in str(path) for path in plain)


def test_a_warm_cache_changes_nothing_and_reads_no_document(
    held: Contest, plain: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cold = held.site(cache=tmp_path)
    sessions = []
    monkeypatch.setattr(held, "session", sessions.append)
    monkeypatch.setattr(rendering.Renderer, "files", None)

    warm = held.site(cache=tmp_path)

    assert cold == plain
    assert warm == plain
    assert sessions == []


def test_only_pages_whose_data_changed_are_rendered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = everything()
    changed.site(cache=tmp_path)
    changed.ran("max", 0.21, code="d", hour=9)
    rendered = []
    files = rendering.Renderer.files

    def counted(self: rendering.Renderer, source: object) -> tuple[bytes, bytes]:
        rendered.append(source.page.name)  # type: ignore[attr-defined]
        return files(self, source)  # type: ignore[arg-type]

    monkeypatch.setattr(rendering.Renderer, "files", counted)
    site = changed.site(cache=tmp_path)

    assert rendered == ["Max"]
    assert site == changed.site()


def test_what_is_withdrawn_leaves_the_cache(tmp_path: Path) -> None:
    leaving = everything()
    leaving.site(cache=tmp_path)
    assert b"Ada" in (tmp_path / NAME).read_bytes()

    leaving.shown("ada", "hidden")
    leaving.site(cache=tmp_path)

    assert b"Ada" not in (tmp_path / NAME).read_bytes()
    assert (tmp_path / NAME).stat().st_mode & 0o077 == 0


@pytest.fixture(scope="module")
def filled(held: Contest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("filled")
    held.site(cache=folder)
    return (folder / NAME).read_bytes()


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 40))
def test_a_damaged_cache_changes_nothing(
    held: Contest, plain: Site, filled: bytes, seed: int, count: int
) -> None:
    data, rng = bytearray(filled), np.random.default_rng(seed)
    for start in rng.integers(0, len(data), count).tolist():
        size = min(int(rng.choice([1, 64, 4096])), len(data) - start)
        data[start : start + size] = rng.bytes(size)
    if rng.random() < 0.2:
        del data[int(rng.integers(len(data))) :]

    with_damage(held, plain, bytes(data))


@pytest.mark.parametrize("data", [b"", b"no database", b"SQLite format 3\0" * 300])
def test_something_else_in_place_of_the_cache_changes_nothing(
    held: Contest, plain: Site, data: bytes
) -> None:
    with_damage(held, plain, data)


def with_damage(held: Contest, plain: Site, data: bytes) -> None:
    import tempfile  # noqa: PLC0415 -- a fixture would be shared by all examples

    with tempfile.TemporaryDirectory() as name:
        (Path(name) / NAME).write_bytes(data)
        assert held.site(cache=Path(name)) == plain
        assert held.site(cache=Path(name)) == plain


def test_rows_that_change_places_are_not_taken_for_each_other(
    held: Contest, plain: Site, tmp_path: Path
) -> None:
    held.site(cache=tmp_path)
    with closing(sqlite3.connect(tmp_path / NAME)) as database, database:
        rows = database.execute("SELECT key, digest, data FROM kept").fetchall()
        database.execute("DELETE FROM kept")
        mixed = zip(rows, rows[1:] + rows[:1], strict=True)
        database.executemany(
            "INSERT INTO kept VALUES (?, ?, ?)", [(a[0], *b[1:]) for a, b in mixed]
        )

    assert held.site(cache=tmp_path) == plain


def test_a_folder_that_cannot_be_written_changes_nothing(
    held: Contest, plain: Site, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")

    assert held.site(cache=tmp_path / "file") == plain


def test_a_build_that_fails_keeps_the_cache(tmp_path: Path) -> None:
    broken = everything()
    broken.site(cache=tmp_path)
    before = (tmp_path / NAME).read_bytes()
    broken.ran("max", 0.5, code="e", hour=9)

    def missing(name: str) -> Session:
        raise StoreError(name, hint="")

    broken.session = missing  # type: ignore[method-assign]
    with pytest.raises(StoreError):
        broken.site(cache=tmp_path)
    assert (tmp_path / NAME).read_bytes() == before


def test_pages_rendered_beside_each_other_are_the_same(
    held: Contest, plain: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = []
    beside = rendering._in_parallel
    monkeypatch.setattr(rendering, "MANY", 1)
    monkeypatch.setattr(rendering.os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(rendering.threading, "active_count", lambda: 1)
    monkeypatch.setattr(
        rendering, "_in_parallel", lambda *args: used.append(1) or beside(*args)
    )

    assert held.site() == plain
    assert used


def test_an_error_in_another_process_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = everything()
    monkeypatch.setattr(rendering, "MANY", 1)
    monkeypatch.setattr(rendering.os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(rendering.threading, "active_count", lambda: 1)

    def missing(self: rendering.Renderer, source: object) -> None:
        raise StoreError("it is gone", hint="look for it")

    monkeypatch.setattr(rendering.Renderer, "files", missing)
    with pytest.raises(StoreError, match="it is gone") as found:
        broken.site()
    assert found.value.hint == "look for it"


def test_a_measurement_survives_being_kept(held: Contest) -> None:
    for name in held._sessions:
        one = held.measure(name)
        again = Measurement.from_bytes(one.to_bytes())

        assert again.facts == one.facts
        for part in ("speed", "memory", "accuracy"):
            ours, theirs = getattr(one, part), getattr(again, part)
            assert (ours is None) == (theirs is None)
            if ours is not None:
                assert ours.log_value == theirs.log_value
                assert ours.log_draws.tobytes() == theirs.log_draws.tobytes()
                assert not theirs.log_draws.flags.writeable


@pytest.mark.parametrize("data", [b"", b"{}\n", b"\n" * 3, b'{"facts": 1}'])
def test_what_is_no_measurement_is_not_taken_for_one(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"Head|reshape"):
        Measurement.from_bytes(data)


def test_keys_tell_parts_apart() -> None:
    keys = [
        key_of("page", "ab", "c"),
        key_of("page", "a", "bc"),
        key_of("page", "abc"),
        key_of("page", "abc", ""),
        key_of("session", "abc"),
    ]

    assert len({*keys}) == len(keys)


def test_without_a_folder_nothing_is_kept() -> None:
    with Cache(None) as cache:
        assert cache.of(b"key", lambda: b"1") == b"1"
        assert cache.get(b"key") == b"1"
    with Cache(None) as cache:
        assert cache.get(b"key") is None


def test_old_versions_are_dropped(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        cache.put(key_of("page", "1"), b"old")
    with Cache(tmp_path) as cache:
        cache.put(key_of("page", "2"), b"new")
    with Cache(tmp_path) as cache:
        assert cache.get(key_of("page", "1")) is None
        assert cache.get(key_of("page", "2")) == b"new"
