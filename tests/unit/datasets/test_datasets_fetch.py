from __future__ import annotations

import errno
import gzip
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from datasets_support import Site

from grader.datasets import download
from grader.datasets.fetch import Fetched, fetch
from grader.datasets.published import PublishedFile
from grader.errors import ConfigError

CONTENT = bytes(range(256)) * 2000  # 512 kB: several blocks


@pytest.fixture
def file(site: Site) -> PublishedFile:
    site.content = CONTENT
    return PublishedFile(
        path="toy/file.bin",
        urls=(f"{site.url}/file",),
        algorithm="sha256",
        checksum=hashlib.sha256(CONTENT).hexdigest(),
        unzipped=False,
        max_bytes=600_000,
    )


def fetch_one(file: PublishedFile, target: Path, source: Path | None = None) -> Fetched:
    (fetched,) = fetch(["toy"], target, source=source, table={"toy": [file]})
    return fetched


def nothing_but(target: Path, *names: str) -> bool:
    return {path.name for path in target.rglob("*") if path.is_file()} == set(names)


def test_fetch_downloads_checks_and_leaves_no_part_file(
    file: PublishedFile, tmp_path: Path
) -> None:
    fetched = fetch_one(file, tmp_path)

    assert fetched.state == "downloaded"
    assert fetched.path == tmp_path / "toy" / "file.bin"
    assert fetched.path.read_bytes() == CONTENT
    assert nothing_but(tmp_path, "file.bin")


def test_fetch_leaves_a_right_file_alone(
    file: PublishedFile, site: Site, tmp_path: Path
) -> None:
    fetch_one(file, tmp_path)
    site.asked.clear()

    assert fetch_one(file, tmp_path).state == "present"
    assert site.asked == []


def test_fetch_replaces_a_wrong_file(file: PublishedFile, tmp_path: Path) -> None:
    wrong = tmp_path / "toy" / "file.bin"
    wrong.parent.mkdir()
    wrong.write_bytes(b"other")

    fetch_one(file, tmp_path)

    assert wrong.read_bytes() == CONTENT


def test_fetch_goes_on_where_the_connection_broke(
    file: PublishedFile, site: Site, tmp_path: Path
) -> None:
    site.cut_after = 200_000

    fetch_one(file, tmp_path)

    assert site.asked == [None, "bytes=200000-"]
    assert (tmp_path / "toy" / "file.bin").read_bytes() == CONTENT


def test_fetch_goes_on_with_the_part_of_an_earlier_run(
    file: PublishedFile, site: Site, tmp_path: Path
) -> None:
    part = tmp_path / "toy" / "file.bin.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT[:300_001])

    fetch_one(file, tmp_path)

    assert site.asked == ["bytes=300001-"]
    assert nothing_but(tmp_path, "file.bin")


def test_fetch_starts_over_where_the_server_knows_no_ranges(
    file: PublishedFile, site: Site, tmp_path: Path
) -> None:
    site.ranges = False
    site.cut_after = 200_000

    fetch_one(file, tmp_path)

    assert (tmp_path / "toy" / "file.bin").read_bytes() == CONTENT


@pytest.mark.parametrize(
    "part", [b"x" * 1000, b"x" * len(CONTENT), b"x" * (len(CONTENT) + 9)]
)
def test_fetch_recovers_from_a_damaged_part_file(
    file: PublishedFile, tmp_path: Path, part: bytes
) -> None:
    path = tmp_path / "toy" / "file.bin.part"
    path.parent.mkdir()
    path.write_bytes(part)

    fetch_one(file, tmp_path)

    assert (tmp_path / "toy" / "file.bin").read_bytes() == CONTENT


def test_fetch_renames_a_part_that_was_complete(
    file: PublishedFile, site: Site, tmp_path: Path
) -> None:
    part = tmp_path / "toy" / "file.bin.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT)

    fetch_one(file, tmp_path)

    assert site.asked == []


def test_fetch_refuses_a_wrong_checksum_and_keeps_nothing(
    file: PublishedFile, site: Site, tmp_path: Path
) -> None:
    site.content = CONTENT[:-1] + b"?"

    with pytest.raises(ConfigError, match=file.checksum) as caught:
        fetch_one(file, tmp_path)

    assert caught.value.hint
    assert nothing_but(tmp_path)


def test_fetch_tries_the_next_mirror(
    file: PublishedFile, site: Site, tmp_path: Path
) -> None:
    mirrors = (f"{site.url}/missing", f"{site.url}/file")

    fetched = fetch_one(replace(file, urls=mirrors), tmp_path)

    assert fetched.state == "downloaded"


def test_fetch_says_what_every_mirror_answered(
    file: PublishedFile, site: Site, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="404") as caught:
        fetch_one(replace(file, urls=(f"{site.url}/missing",)), tmp_path)

    assert "--from" in caught.value.hint


def test_fetch_without_a_network_says_so(file: PublishedFile, tmp_path: Path) -> None:
    # Port 1 of the loopback interface: nothing listens, the refusal is immediate.
    with pytest.raises(ConfigError, match="refused") as caught:
        fetch_one(replace(file, urls=("http://127.0.0.1:1/file",)), tmp_path)

    assert "network" in caught.value.hint


@pytest.mark.parametrize("url", ["http://example.org/file", "file:///etc/hostname"])
def test_fetch_takes_https_only(file: PublishedFile, tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="not an https address"):
        fetch_one(replace(file, urls=(url,)), tmp_path)


def test_fetch_stops_at_more_bytes_than_the_file_can_have(
    file: PublishedFile, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="more than 100000 bytes"):
        fetch_one(replace(file, max_bytes=100_000), tmp_path)

    assert nothing_but(tmp_path)


def test_fetch_reports_progress_up_to_the_whole(
    file: PublishedFile, tmp_path: Path
) -> None:
    seen: list[tuple[str, int, int | None]] = []

    fetch(
        ["toy"],
        tmp_path,
        table={"toy": [file]},
        progress=lambda *facts: seen.append(facts),
    )

    counts = [done for _, done, _ in seen]
    assert counts == sorted(counts)
    assert seen[-1] == ("file.bin", len(CONTENT), len(CONTENT))


def test_fetch_names_a_full_disk(
    file: PublishedFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(*_args: object) -> bool:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download, "_attempt", no_space)

    with pytest.raises(ConfigError, match=r"disk .* is full"):
        fetch_one(file, tmp_path)


def test_fetch_names_a_target_that_cannot_be_made(
    file: PublishedFile, tmp_path: Path
) -> None:
    (tmp_path / "toy").write_text("a file where the folder should be")

    with pytest.raises(ConfigError, match="toy"):
        fetch_one(file, tmp_path)


@pytest.mark.parametrize("where", ["toy/file.bin", "file.bin"])
def test_fetch_from_a_folder_copies_and_checks(
    file: PublishedFile, site: Site, tmp_path: Path, where: str
) -> None:
    origin = tmp_path / "source" / where
    origin.parent.mkdir(parents=True)
    origin.write_bytes(CONTENT)

    fetched = fetch_one(file, tmp_path / "target", tmp_path / "source")

    assert fetched.state == "copied"
    assert fetched.path.read_bytes() == CONTENT
    assert site.asked == []


def test_fetch_from_a_folder_refuses_a_wrong_checksum(
    file: PublishedFile, tmp_path: Path
) -> None:
    (tmp_path / "file.bin").write_bytes(b"other")

    with pytest.raises(ConfigError, match=r"copied from .*file\.bin"):
        fetch_one(file, tmp_path / "target", tmp_path)

    assert nothing_but(tmp_path / "target")


def test_fetch_from_a_folder_without_the_file_says_so(
    file: PublishedFile, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"file\.bin is not in"):
        fetch_one(file, tmp_path / "target", tmp_path)


@pytest.mark.parametrize("zipped", [True, False])
def test_checksum_of_the_content_accepts_any_wrapper(
    file: PublishedFile, tmp_path: Path, zipped: bool
) -> None:
    wrapped = replace(file, path="toy/file.bin.gz", unzipped=True)
    raw = gzip.compress(CONTENT, 1, mtime=7) if zipped else CONTENT
    name = "file.bin.gz" if zipped else "file.bin"
    (tmp_path / name).write_bytes(raw)

    fetched = fetch_one(wrapped, tmp_path / "target", tmp_path)

    assert gzip.decompress(fetched.path.read_bytes()) == CONTENT


def test_damaged_gzip_is_a_wrong_checksum(
    file: PublishedFile, site: Site, tmp_path: Path
) -> None:
    site.content = gzip.compress(CONTENT)[:-20]

    with pytest.raises(ConfigError, match="unreadable gzip"):
        fetch_one(replace(file, unzipped=True), tmp_path)


def test_fetch_of_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'iris'") as caught:
        fetch(["iris"], tmp_path)

    assert "mnist" in caught.value.hint
