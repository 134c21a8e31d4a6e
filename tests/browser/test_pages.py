"""The pages as a person meets them: opened from disk, clicked, typed into, printed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from chromium import Browser

pytestmark = pytest.mark.browser

STANDINGS = "#board-1-standings"
MILESTONES = "#board-1-milestones"
SCHEMES = ("light", "dark")
SHORT = ("404.html", "embed.html", "records.html")  # pages of a few words here
DASH = "\N{EN DASH}"

# Every visible text and the contrast of its colour with what lies behind it.
CONTRASTS = """
(() => {
  const canvas = document.createElement("canvas")
    .getContext("2d", {willReadFrequently: true});
  const rgb = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const curve = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const part = (v) => curve(v / 255);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = rgb(getComputedStyle(e).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255, 255];
  };
  const low = new Set();
  let seen = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    if (["STYLE", "SCRIPT", "title", "desc"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const ink = rgb(element.tagName === "text" ? style.fill : style.color);
    const [a, b] = [light(ink), light(behind(element))].sort((x, y) => y - x);
    seen += 1;
    if ((a + 0.05) / (b + 0.05) < 4.5) low.add(walker.currentNode.data.trim());
  }
  return [seen, [...low]];
})()
"""


def column(page: Browser, table: str, key: str) -> list[str]:
    """Return the texts of a column, top to bottom, of the rows that are shown."""
    found: list[str] = page.evaluate(
        f"""(() => {{
          const table = document.querySelector({table!r});
          const heads = [...[...table.tHead.rows].at(-1).cells];
          const place = heads.findIndex((h) => h.dataset.key === {key!r});
          return [...table.tBodies[0].rows].filter((r) => !r.hidden)
            .map((r) => r.cells[place].textContent.trim());
        }})()"""
    )
    return found


def sorted_by(page: Browser, table: str) -> dict[str, str]:
    """Return the sorted columns of a table and their direction."""
    found: dict[str, str] = page.evaluate(
        f"""Object.fromEntries(
          [...document.querySelectorAll({table!r} + " th[aria-sort]")]
            .map((h) => [h.dataset.key, h.getAttribute("aria-sort")]))"""
    )
    return found


def test_the_index_starts_in_the_order_of_ranks(page: Browser, site: Path) -> None:
    page.open((site / "index.html").as_uri())

    assert column(page, STANDINGS, "rank") == ["1=", "1=", "3", "4", "5", DASH]
    assert sorted_by(page, STANDINGS) == {"rank": "ascending"}


def test_a_click_sorts_and_a_second_turns_the_order(page: Browser, site: Path) -> None:
    page.open((site / "index.html").as_uri())

    page.click(f"{MILESTONES} th[data-key='perceptron-cpu'] button")
    up = column(page, MILESTONES, "perceptron-cpu")
    page.click(f"{MILESTONES} th[data-key='perceptron-cpu'] button")
    down = column(page, MILESTONES, "perceptron-cpu")

    assert up == ["0.500", "0.600", "0.700", "0.800", "0.900", DASH]
    assert down == ["0.900", "0.800", "0.700", "0.600", "0.500", DASH]
    assert sorted_by(page, MILESTONES) == {"perceptron-cpu": "descending"}
    assert sorted_by(page, STANDINGS) == {"rank": "ascending"}


def test_what_is_missing_comes_last_both_ways(page: Browser, site: Path) -> None:
    page.open((site / "index.html").as_uri())

    for _ in range(2):
        page.click(f"{STANDINGS} th[data-key='total'] button")
        assert column(page, STANDINGS, "total")[-1] == DASH


def test_the_keyboard_sorts_too(page: Browser, site: Path) -> None:
    page.open((site / "index.html").as_uri())
    page.evaluate(
        f"document.querySelector(\"{STANDINGS} th[data-key='total'] button\").focus()"
    )

    page.press("Enter", 13, "\r")

    assert sorted_by(page, STANDINGS) == {"total": "descending"}


def test_the_state_survives_in_the_hash(page: Browser, site: Path) -> None:
    page.open((site / "index.html").as_uri())
    page.click(f"{STANDINGS} th[data-key='total'] button")
    page.click(f"{STANDINGS} th[data-key='total'] button")
    before = column(page, STANDINGS, "total")

    address = page.evaluate("location.href")
    page.open("about:blank")
    page.open(address)

    assert address.endswith("#board-1-standings=total.ascending")
    assert column(page, STANDINGS, "total") == before
    assert sorted_by(page, STANDINGS) == {"total": "ascending"}


@pytest.mark.parametrize("state", ["total.sideways", "nonsense.ascending", "%"])
def test_a_strange_hash_changes_nothing(page: Browser, site: Path, state: str) -> None:
    page.open((site / "index.html").as_uri() + f"#board-1-standings={state}")

    assert column(page, STANDINGS, "rank") == ["1=", "1=", "3", "4", "5", DASH]
    assert page.complaints() == []


def test_typing_filters_every_table_and_is_announced(page: Browser, site: Path) -> None:
    page.open((site / "index.html").as_uri())
    name = page.evaluate("document.querySelector('tr[data-entry]').dataset.entry")

    page.click("#controls input")
    page.write(name.upper())

    shown = page.evaluate(
        "[...document.querySelectorAll('tr[data-entry]')].filter((r) => !r.hidden)"
        ".map((r) => r.dataset.entry)"
    )
    assert shown == [name] * 4
    assert page.evaluate("document.querySelector('[role=status]').textContent") == (
        "1 matching"
    )
    assert "filter=" in page.evaluate("location.hash")


def test_without_script_every_row_is_there_and_no_dead_control(
    page: Browser, site: Path
) -> None:
    page.open((site / "index.html").as_uri(), scripts=False)

    assert column(page, STANDINGS, "rank") == ["1=", "1=", "3", "4", "5", DASH]
    assert page.evaluate("document.querySelectorAll('button, input').length") == 0


def test_links_lead_to_entries_and_back(page: Browser, site: Path) -> None:
    page.open((site / "index.html").as_uri())
    name = page.evaluate("document.querySelector('th.name a').textContent")
    target = page.evaluate("document.querySelector('th.name a').href")

    page.open(target)

    assert page.evaluate("document.querySelector('h1').textContent") == name
    assert (
        page.evaluate("document.querySelector('nav a').href")
        == (site / "index.html").as_uri()
    )


def every_page(site: Path, report_page: Path) -> list[Path]:
    return [report_page, *sorted(site.rglob("*.html"))]


def test_pages_load_nothing_and_break_no_policy(
    page: Browser, site: Path, report_page: Path
) -> None:
    for path in every_page(site, report_page):
        page.open(path.as_uri())

        assert page.requests() == [path.as_uri()]
        assert page.complaints() == []
        assert page.evaluate("getComputedStyle(document.body).maxWidth") == "1120px"


def test_injected_script_and_style_are_refused(page: Browser, site: Path) -> None:
    page.open((site / "index.html").as_uri())

    page.evaluate(
        """(() => {
          const script = document.createElement("script");
          script.textContent = "document.title = 'owned'";
          document.body.append(script);
          document.body.insertAdjacentHTML("beforeend",
            "<style>body { display: none }</style><img src='x' onerror='0'>");
        })()"""
    )
    page.settle()

    assert page.evaluate("document.title") == "tinytorch leaderboard"
    assert page.evaluate("getComputedStyle(document.body).display") == "block"
    assert len(page.complaints()) >= 3


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_page_scrolls_sideways(
    page: Browser, site: Path, report_page: Path, width: int
) -> None:
    page.resize(width, mobile=width < 500)
    for path in every_page(site, report_page):
        page.open(path.as_uri())

        assert page.evaluate("document.documentElement.scrollWidth") == width, path


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_stands_out_from_its_ground(
    page: Browser, site: Path, report_page: Path, scheme: str
) -> None:
    page.media(prefers_color_scheme=scheme)
    for path in every_page(site, report_page):
        page.open(path.as_uri())
        page.evaluate(
            "document.querySelectorAll('details').forEach(d => d.open = true)"
        )

        seen, low = page.evaluate(CONTRASTS)

        assert seen > (2 if path.name in SHORT else 20), path
        assert low == [], path


def test_schemes_differ(page: Browser, site: Path) -> None:
    grounds: list[Any] = []
    for scheme in SCHEMES:
        page.media(prefers_color_scheme=scheme)
        page.open((site / "index.html").as_uri())
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    assert len(set(grounds)) == 2


def test_a_check_unfolds_by_click(page: Browser, report_page: Path) -> None:
    page.open(report_page.as_uri())
    visible = "document.querySelector('#module-setup .told').checkVisibility()"
    assert page.evaluate(visible) is False

    page.click("#module-setup .check summary")

    assert page.evaluate(visible) is True


def test_print_shows_what_is_folded_and_hides_controls(
    page: Browser, site: Path, report_page: Path
) -> None:
    page.open(report_page.as_uri())
    page.media(kind="print")
    box = "document.querySelector('#module-setup .told').getBoundingClientRect().height"
    assert page.evaluate(box) > 20

    page.open((site / "index.html").as_uri())
    page.media(kind="print")
    shown = page.evaluate("document.querySelector('#controls').checkVisibility()")
    assert shown is False


def test_charts_are_named_to_a_screen_reader(page: Browser, report_page: Path) -> None:
    page.open(report_page.as_uri())
    nodes = page.send("Accessibility.getFullAXTree")["nodes"]
    images = [
        node["name"]["value"]
        for node in nodes
        if node.get("role", {}).get("value") in {"image", "img"}
    ]

    assert len(images) == 5
    assert any("Memory over time" in name for name in images)
