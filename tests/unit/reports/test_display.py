from __future__ import annotations

import csv
import io
import time
import unicodedata
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.reports import display
from reports.samples import HOSTILE

EVERY_SURFACE: dict[str, Callable[[str], str]] = {
    "plain": display.safe_text,
    "one line": display.one_line,
    "terminal": lambda text: display.terminal(text, 60),
    "csv": display.csv_cell,
    "markdown": display.markdown,
    "workflow log": display.workflow_log,
}
OBEYED = {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}


@pytest.mark.parametrize("surface", EVERY_SURFACE.values(), ids=EVERY_SURFACE.keys())
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_nothing_that_is_obeyed_passes_any_surface(
    surface: Callable[[str], str], text: str
) -> None:
    shown = surface(text)

    assert {unicodedata.category(c) for c in shown.replace("\n", "")} & OBEYED == set()
    assert len(shown) < 9000


@settings(deadline=None)  # the machine is shared
@given(st.text(alphabet=st.characters(), max_size=200))
def test_any_text_is_made_safe_and_encodable(text: str) -> None:
    shown = display.safe_text(text)

    shown.encode("utf-8")
    assert {unicodedata.category(c) for c in shown.replace("\n", "")} & OBEYED == set()


@settings(deadline=None)  # the machine is shared
@given(st.text(alphabet=st.characters(), max_size=200))
def test_safe_text_of_safe_text_changes_nothing(text: str) -> None:
    once = display.safe_text(text)

    assert display.safe_text(once) == once


@settings(deadline=None)  # the machine is shared
@given(st.text(alphabet=st.characters(), max_size=300), st.integers(10, 100))
def test_terminal_keeps_to_one_line_of_its_width(text: str, width: int) -> None:
    line = display.terminal(text, width)

    assert "\n" not in line
    assert display.columns(line) <= width


def test_escapes_are_shown_not_swallowed() -> None:
    assert display.safe_text("a\x1b[2Jb\u202ec") == "a\\x1b[2Jb\\u202ec"


def test_plain_and_foreign_words_stay_as_they_are() -> None:
    text = "naïve Ελληνικά 漢字 עברית expected ≤ 5"

    assert display.safe_text(text) == text


def test_long_text_names_its_length() -> None:
    assert display.safe_text("x" * 50, limit=10) == "xxxxxxxxxx... (50 characters)"


def test_a_megabyte_costs_no_more_than_a_page() -> None:
    started = time.process_time()

    display.safe_text("\x1b" * 2**20)

    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1+1", "\n=1"],
)
def test_no_cell_begins_a_formula(text: str) -> None:
    out = io.StringIO()
    csv.writer(out).writerow([display.csv_cell(text)])

    (cell,) = next(csv.reader(io.StringIO(out.getvalue())))
    assert cell.startswith("'")


def test_a_harmless_cell_stays_as_it_is() -> None:
    assert display.csv_cell("brisk otter") == "brisk otter"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_safe_text_fits_into_xml(text: str) -> None:
    element = ET.Element("message")
    element.text = display.safe_text(text)

    assert ET.fromstring(ET.tostring(element)).text == display.safe_text(text)  # noqa: S314


@pytest.mark.parametrize(
    "text",
    ["::error::x", "a ::set-output name=x::y", "##[error]x", "\n::stop-commands::t"],
)
def test_a_log_line_is_no_workflow_command(text: str) -> None:
    shown = display.workflow_log(text)

    assert "::" not in shown
    assert "##[" not in shown


def test_markdown_makes_no_link_no_html_and_no_mention() -> None:
    shown = display.markdown("[a](http://x) <b>bold</b> @all `code` | cell")

    assert shown == (r"\[a\]\(http\://x\) \<b\>bold\</b\> \@all \`code\` \| cell")
