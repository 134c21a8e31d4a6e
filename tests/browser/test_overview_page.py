"""The overview of a class as its staff meet it: on a desk, on a phone, printed."""

from __future__ import annotations

from pathlib import Path

import pytest
from chromium import Browser
from overview.classes import class_of, look
from test_pages import CONTRASTS, SCHEMES

from grader.overview import FORMATS, Overview

pytestmark = pytest.mark.browser

WIDTHS = (320, 390, 768, 1280)


@pytest.fixture(scope="module")
def seen() -> Overview:
    made, people = class_of(60)
    return look(made, people)


@pytest.fixture(scope="module")
def overview_page(seen: Overview, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("overview") / "overview.html"
    path.write_text(FORMATS["html"](seen), "utf-8")
    return path


def unfold(page: Browser) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")


def test_it_loads_nothing_and_breaks_no_policy(
    page: Browser, overview_page: Path
) -> None:
    page.open(overview_page.as_uri())

    assert page.requests() == [overview_page.as_uri()]
    assert page.complaints() == []
    assert page.evaluate("getComputedStyle(document.body).maxWidth") == "1120px"


@pytest.mark.parametrize("width", WIDTHS)
def test_it_never_scrolls_sideways(
    page: Browser, overview_page: Path, width: int
) -> None:
    page.resize(width, mobile=width < 500)
    page.open(overview_page.as_uri())
    unfold(page)

    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("width", WIDTHS)
def test_charts_fill_their_place_beside_their_numbers(
    page: Browser, overview_page: Path, seen: Overview, width: int
) -> None:
    page.resize(width, mobile=width < 500)
    page.open(overview_page.as_uri())
    boxes = page.evaluate(
        "[...document.querySelectorAll('svg.lie')].map(s => [s, s.parentElement]"
        ".map(e => e.getBoundingClientRect().width))"
    )

    assert len(boxes) == 1 + len(seen.modules)
    for chart, place in boxes:
        assert chart == place >= 0.35 * width


@pytest.mark.parametrize("scheme", SCHEMES)
def test_its_text_stands_out(page: Browser, overview_page: Path, scheme: str) -> None:
    page.media(prefers_color_scheme=scheme)
    page.open(overview_page.as_uri())
    unfold(page)

    found, low = page.evaluate(CONTRASTS)

    assert found > 200
    assert low == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_bars_stand_out_from_the_page(
    page: Browser, overview_page: Path, scheme: str
) -> None:
    """WCAG 1.4.11 asks 3 to 1 of what a chart is read by."""
    page.media(prefers_color_scheme=scheme)
    page.open(overview_page.as_uri())

    ratios = page.evaluate(
        """(() => {
          const light = (color) => color.match(/[\\d.]+/g).slice(0, 3)
            .map((v) => v / 255)
            .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
          const ground = light(getComputedStyle(document.body).backgroundColor);
          return ["full", "some", "none", "wrong", "raised", "stopped"].map((name) => {
            const fill = getComputedStyle(document.querySelector("rect." + name)
              ?? document.querySelector("." + name + " rect")).fill;
            const [a, b] = [light(fill), ground].sort((x, y) => y - x);
            return (a + 0.05) / (b + 0.05);
          });
        })()"""
    )

    assert len(ratios) == 6
    assert min(ratios) >= 3


def test_charts_and_regions_are_named_to_a_screen_reader(
    page: Browser, overview_page: Path, seen: Overview
) -> None:
    page.open(overview_page.as_uri())
    unfold(page)
    nodes = page.send("Accessibility.getFullAXTree")["nodes"]
    named = {
        role: [
            node["name"]["value"]
            for node in nodes
            if node.get("role", {}).get("value") == role and not node.get("ignored")
        ]
        for role in ("image", "region", "heading")
    }

    assert len(named["image"]) == 1 + len(seen.modules)
    assert any(name.startswith("Autograd: median") for name in named["image"])
    assert len(named["region"]) == 3
    assert all(name for names in named.values() for name in names)
    assert "Stuck" in named["heading"]


def test_every_link_leads_to_its_section(page: Browser, overview_page: Path) -> None:
    page.open(overview_page.as_uri())

    dead = page.evaluate(
        "[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))"
        ".filter(h => !h.startsWith('#') || !document.getElementById(h.slice(1)))"
    )

    assert page.evaluate("document.querySelectorAll('a').length") == 2
    assert dead == []


def test_print_has_the_tables_and_fits_the_paper(
    page: Browser, overview_page: Path
) -> None:
    page.resize(794)  # A4 at 96 dots an inch
    page.open(overview_page.as_uri())
    page.media(kind="print")

    height = "document.querySelector('details table').getBoundingClientRect().height"
    assert page.evaluate(height) > 50
    assert page.evaluate("document.documentElement.scrollWidth") == 794
