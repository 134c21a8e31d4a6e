from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from grader.models.report import GradeReport
from grader.reports import to_html
from reports.samples import HOSTILE, hostile, perfect, report

VOID = {"meta", "br", "hr", "img", "input", "link"}
SHAPES = {"rect", "line", "circle", "path", "polyline"}


class Page(HTMLParser):
    """Collects tags, attributes and text, and notices what does not close."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SHAPES
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def text(self) -> str:
        return " ".join("".join(t for tag, t in self.texts if tag != "style").split())

    def attributes(self, name: str) -> list[str]:
        return [a[name] or "" for _, a in self.tags if name in a]


def test_every_outcome_is_told_in_words() -> None:
    text = Page(to_html(report())).text()

    for words in (
        "blocked by tensor::matmul",
        "TODO 3.3: Tanh",
        "elementwise product",
        "tinytorch/tensor.py:41, in reshape",
        "stopped: CPU time used up",
        "Python ended before it answered",
        "the answer could not be read",
        "could not be judged (our side)",
        "the check holds",
    ):
        assert words in text


def test_provenance_names_digests_tier_round_and_host() -> None:
    graded = report()
    text = Page(to_html(graded)).text()

    for value in (
        graded.verdict.submission,
        graded.verdict.suites,
        graded.verdict.reference,
        "namespaces (seccomp, network-namespace)",
        "autumn-1 (feedback)",
        "Example CPU @ 2.60GHz, 2 cores",
        "grader 0.1.0",
    ):
        assert value in text


def test_nothing_is_requested_and_nothing_runs() -> None:
    page = Page(to_html(report()))

    assert {"script", "link", "img", "iframe", "object", "form", "base"}.isdisjoint(
        tag for tag, _ in page.tags
    )
    assert page.attributes("src") == []
    assert all(href.startswith("#") for href in page.attributes("href"))
    assert not any(name.startswith("on") for _, a in page.tags for name in a)
    assert page.attributes("style") == []


def test_the_policy_allows_the_style_sheet_and_nothing_else() -> None:
    html = to_html(report())
    (css,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()

    (policy,) = [c for c in Page(html).attributes("content") if "default-src" in c]

    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert "url(" not in css
    assert "@import" not in css


def test_charts_have_a_title_a_description_and_a_table_beside_them() -> None:
    page = Page(to_html(report()))
    charts = [a for tag, a in page.tags if tag == "svg" and a.get("role") == "img"]
    ids = page.attributes("id")

    assert len(charts) == 5
    for chart in charts:
        assert set((chart["aria-labelledby"] or "").split()) <= set(ids)
    assert len(ids) == len(set(ids))
    assert [tag for tag, _ in page.tags].count("table") == 1 + 1 + 1 + 5


def test_tables_have_captions_and_scopes() -> None:
    page = Page(to_html(report()))
    names = [tag for tag, _ in page.tags]

    assert names.count("caption") == names.count("table")
    assert all("scope" in a for tag, a in page.tags if tag == "th")


def test_links_inside_the_page_lead_somewhere() -> None:
    page = Page(to_html(report()))

    assert {h.removeprefix("#") for h in page.attributes("href")} <= set(
        page.attributes("id")
    )


def test_failed_checks_are_open_and_others_closed() -> None:
    page = Page(to_html(report()))
    checks = [a for tag, a in page.tags if tag == "details" and a.get("class")]

    assert len(checks) == 30
    assert sum("open" in a for a in checks) == 6


def test_printed_output_is_shown() -> None:
    graded = report(modules=perfect())
    first = graded.verdict.modules[0]
    check = first.checks[0].model_copy(update={"output": "hello from forward"})
    module = first.model_copy(update={"checks": (check, *first.checks[1:])})
    verdict = graded.verdict.model_copy(update={"modules": (module,)})

    html = to_html(graded.model_copy(update={"verdict": verdict}))

    assert "hello from forward" in Page(html).text()


def test_same_report_same_bytes() -> None:
    assert to_html(report()) == to_html(report())


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_adds_no_tag_and_no_attribute(text: str) -> None:
    plain, page = Page(to_html(hostile("plain"))), Page(to_html(hostile(text)))

    assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain.tags]
    assert [sorted(a) for _, a in page.tags] == [sorted(a) for _, a in plain.tags]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_visible_bounded_and_printable(text: str) -> None:
    html = to_html(hostile(text))

    assert len(html) < 600_000
    assert all(line.isprintable() for line in html.split("\n"))


def test_a_report_without_anything_is_still_a_page() -> None:
    empty = report(modules=(), milestones=())
    bare = empty.measurements.model_copy(update={"milestones": (), "suite": None})

    page = Page(to_html(GradeReport(**{**dict(empty), "measurements": bare})))

    assert "Provenance" in page.text()
