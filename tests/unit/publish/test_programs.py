"""What programs read: JSON with its schema, CSV, feed, badges."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import PurePosixPath
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from reports.samples import HOSTILE, everything, good, perfect, report

from grader.publish.badges import badge
from grader.publish.competition_data import competition_files, sample_file
from grader.publish.competition_models import (
    Competition,
    EntryPage,
    Records,
    SampleSet,
)
from grader.publish.data import to_json
from grader.publish.feed import NEWEST, feed
from grader.publish.models import Leaderboard
from publish import rich
from publish.contest import Contest, contest

ATOM = "{http://www.w3.org/2005/Atom}"
URN = re.compile(
    r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-.{12}"
)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def parsed(data: bytes) -> ET.Element:
    return ET.fromstring(data.decode())  # noqa: S314 -- our own


def rich_feed() -> bytes:
    return feed(rich.leaderboard(), rich.competition())


def ids(data: bytes) -> list[str | None]:
    return [e.findtext(f"{ATOM}id") for e in parsed(data).iter(f"{ATOM}entry")]


TYPES = {
    "string": {str},
    "integer": {int},
    "number": {int, float},
    "boolean": {bool},
    "null": {type(None)},
    "object": {dict},
    "array": {list},
}


def against(schema: dict[str, Any], value: Any, root: dict[str, Any]) -> None:
    """Hold a value against the parts of JSON Schema that ours use."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    if "anyOf" in schema:
        empty = {"type": "null"}
        kinds = [s for s in schema["anyOf"] if (s == empty) == (value is None)]
        against(kinds[0], value, root)
        return
    assert type(value) in TYPES[schema["type"]]
    assert value in schema.get("enum", [schema.get("const", value)])
    if schema["type"] == "object":
        assert value.keys() == schema["properties"].keys()
        assert schema["additionalProperties"] is False
        for name, one in value.items():
            against(schema["properties"][name], one, root)
    if schema["type"] == "array":
        for one in value:
            against(schema["items"], one, root)
    if "pattern" in schema:
        assert re.search(schema["pattern"], value)


@pytest.mark.parametrize("name", ["competition", "records"])
def test_data_hold_against_their_schema(name: str) -> None:
    files = competition_files(rich.competition())
    schema = json.loads(files[f"data/v1/{name}.schema.json"])

    against(schema, json.loads(files[f"data/v1/{name}.json"]), schema)


def test_samples_hold_against_their_schema() -> None:
    files = competition_files(rich.competition())
    schema = json.loads(files["data/v1/samples.schema.json"])
    slug, page = next((s, p) for s, p in rich.pages().items() if p.sessions)

    data = sample_file(slug, page.sessions, rich.samples())

    against(schema, json.loads(data), schema)
    assert SampleSet.model_validate_json(data).sessions[0].log_ratios


def test_what_is_written_is_read_back_the_same() -> None:
    files = competition_files(rich.competition())

    made = Competition.model_validate_json(files["data/v1/competition.json"])
    held = Records.model_validate_json(files["data/v1/records.json"])

    assert made == rich.competition()
    assert held.records == made.records
    points = to_json(rich.leaderboard())
    assert Leaderboard.model_validate_json(points) == rich.leaderboard()


def test_csv_says_what_json_says() -> None:
    text = competition_files(rich.competition())["data/v1/competition.csv"].decode()
    rows = list(csv.DictReader(io.StringIO(text)))

    entries = [e for b in rich.competition().boards for e in b.entries]
    assert [r["entry"] for r in rows] == [e.name for e in entries]
    for row, entry in zip(rows, entries, strict=True):
        assert row["rank"] == (
            "" if entry.rank_number is None else str(entry.rank_number)
        )
        assert row["score"] == ("" if entry.score is None else f"{entry.score:.10g}")


def test_csv_of_records_has_a_line_for_each() -> None:
    text = competition_files(rich.competition())["data/v1/records.csv"].decode()
    rows = list(csv.DictReader(io.StringIO(text)))

    assert len(rows) == len(rich.competition().records)
    assert rows[0]["beaten"] == ""


def test_the_feed_is_what_rfc_4287_asks_for() -> None:
    root = parsed(rich_feed())

    assert root.tag == f"{ATOM}feed"
    for element in (root, *root.iter(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"{ATOM}{name}")) == 1
        assert URN.fullmatch(element.findtext(f"{ATOM}id") or "")
        assert TIME.fullmatch(element.findtext(f"{ATOM}updated") or "")
    assert root.findtext(f"{ATOM}author/{ATOM}name")
    assert {link.get("rel") for link in root.findall(f"{ATOM}link")} == {
        "self",
        "alternate",
    }
    found = ids(rich_feed())
    assert len(found) == len({*found})
    assert found


def test_the_feed_has_the_newest_first_and_is_bounded() -> None:
    times = [
        e.findtext(f"{ATOM}updated") or ""
        for e in parsed(rich_feed()).iter(f"{ATOM}entry")
    ]
    many = contest({f"s{n}": 0.1 for n in range(3)})
    for number in range(NEWEST + 5):
        many.stored(report("s0", modules=perfect(), minutes=number))
        many.shown(f"t{number}", "alias")
        many.passed_checks(f"t{number}")

    made = many.public()

    assert times == sorted(times, reverse=True)
    assert len(ids(feed(made.points.leaderboard, made.competition))) == NEWEST


def feed_of(held: Contest) -> bytes:
    made = held.public()
    return feed(made.points.leaderboard, made.competition)


def test_ids_stay_and_what_is_withdrawn_is_gone() -> None:
    held = contest({"ada": 0.4, "eve": 0.2})
    held.stored(report("ada", modules=good()))
    before = feed_of(held)
    held.ran("eve", 0.3, code="e", hour=9)

    after = feed_of(held)
    gone = {*ids(before)} - {*ids(after)}
    assert (len(ids(before)), len(gone), len(ids(after))) == (4, 1, 4)
    held.shown("ada", "hidden")
    assert b"Ada" in after
    assert b"Ada" not in feed_of(held)


def test_links_of_the_feed_lead_to_pages_of_the_site() -> None:
    held = contest({"ada": 0.4, "eve": 0.2})
    held.stored(report("ada", modules=good()))
    site = held.site()

    links = [
        link.get("href") or ""
        for link in parsed(site[PurePosixPath("feed.atom")]).iter(f"{ATOM}link")
    ]
    assert links
    assert all(PurePosixPath(link) in site for link in links)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_names_stay_text_for_programs(text: str) -> None:
    held = Contest()
    held.stored(report("s", modules=good()))
    held.shown("s", "named", text)
    held.ran("s", 0.4)
    made = held.public()

    root = parsed(feed(made.points.leaderboard, made.competition))
    assert len(list(root.iter())) == len(list(parsed(feed_of(contest_of_one())).iter()))
    for data in competition_files(made.competition).values():
        data.decode()
    csv_text = competition_files(made.competition)["data/v1/competition.csv"].decode()
    for row in csv.reader(io.StringIO(csv_text)):
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)


def contest_of_one() -> Contest:
    held = Contest()
    held.stored(report("s", modules=good()))
    held.shown("s", "named", "plain")
    held.ran("s", 0.4)
    return held


def test_a_badge_has_a_number_and_no_rank() -> None:
    texts = {slug: badge(page) for slug, page in rich.pages().items()}

    shown = {slug: data.decode() for slug, data in texts.items() if data}
    assert shown
    for text in shown.values():
        root = parsed(text.encode())
        title = root.findtext("{http://www.w3.org/2000/svg}title") or ""
        assert re.fullmatch(r"tinytorch: ([\d.]+ / [\d.]+ points|\w+ [\d.]+)", title)
        assert not re.search(r"(href|url\(|<style|<script|<image)", text)


def test_without_points_a_badge_shows_the_score_and_without_both_there_is_none() -> (
    None
):
    page = rich.pages()["brisk-otter"]
    bare = EntryPage(course="a<b>", name=page.name, slug=page.slug, events=page.events)
    nothing = EntryPage(course="c", name="n", slug="s")

    text = (badge(bare) or b"").decode()

    assert "latency 235" in text
    assert "a&lt;b&gt;" in text
    assert badge(nothing) is None


def test_what_was_not_judged_is_in_no_feed_and_on_no_badge() -> None:
    held = Contest()
    held.stored(report("s", modules=everything()))
    held.shown("s", "alias")
    made = held.public()

    assert ids(feed(made.points.leaderboard, made.competition)) == []
    assert badge(made.pages[0].page) is None
