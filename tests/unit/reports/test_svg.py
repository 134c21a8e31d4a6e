from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.reports.curves import ROWS, learning_figure, usage_figures
from grader.reports.display import safe_text
from grader.reports.svg import Axis, Chart, bar, line_chart, thin, ticks
from reports.samples import HOSTILE, perceptron, usage

finite = st.floats(0, 1e12, allow_nan=False)


def chart(points: tuple[tuple[float, float], ...], title: str = "title") -> Chart:
    top = max((y for _, y in points), default=0.0)
    end = max((x for x, _ in points), default=0.0)
    return Chart("c", title, "words", Axis("s", end), Axis("MiB", top), points)


@settings(deadline=None)  # the machine is shared
@given(st.floats(1e-9, 1e12, allow_nan=False))
def test_ticks_start_at_zero_and_reach_the_top(top: float) -> None:
    found = ticks(top)

    assert found[0] == 0
    assert found[-1] >= top * (1 - 1e-9)
    assert 2 <= len(found) <= 7
    assert found == sorted(set(found))


@pytest.mark.parametrize("top", [1, 3, 7, 20, 100])
def test_whole_ticks_are_whole(top: int) -> None:
    assert all(tick == int(tick) for tick in ticks(top, whole=True))


@settings(deadline=None)  # the machine is shared
@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=2000))
def test_thinning_keeps_ends_and_the_highest_point(
    points: list[tuple[float, float]],
) -> None:
    kept = thin(points)

    assert len(kept) <= 200
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert max(y for _, y in kept) == max(y for _, y in points)


@settings(deadline=None)  # the machine is shared
@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=20))
def test_every_point_lies_inside_the_drawing(
    points: list[tuple[float, float]],
) -> None:
    svg = str(line_chart(chart(tuple(sorted(points)))))

    root = ET.fromstring(svg)  # noqa: S314 -- made a line above
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    for line in root.iter("polyline"):
        for x, y in (p.split(",") for p in line.attrib["points"].split()):
            assert 0 <= float(x) <= width
            assert 0 <= float(y) <= height


def test_a_flat_zero_curve_can_be_drawn() -> None:
    assert "polyline" in line_chart(chart(((0.0, 0.0), (1.0, 0.0))))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_text_in_a_chart_stays_text(text: str) -> None:
    svg = str(line_chart(chart(((0.0, 1.0), (1.0, 2.0)), title=safe_text(text))))

    root = ET.fromstring(svg)  # noqa: S314 -- made a line above
    assert root[0].text == safe_text(text)


def test_a_bar_never_grows_beyond_its_width() -> None:
    widths = re.findall(
        r'class="failed" x="0" width="([\d.]+)"', bar([("failed", 3.0)])
    )

    assert widths == ["120"]


def test_curves_come_with_tables_of_bounded_length() -> None:
    memory, cpu = usage_figures("x", "run", usage(2.0, 2**26, steps=5000))
    learning = learning_figure("x", perceptron())

    assert learning is not None
    assert [f.caption for f in (memory, cpu, learning)] == [
        "Memory over time",
        "CPU time over time",
        "Learning curve",
    ]
    assert all(2 <= len(f.rows) <= ROWS for f in (memory, cpu, learning))
    assert "loss, reported by the submission" in learning.headers


def test_a_run_without_samples_has_no_chart() -> None:
    assert usage_figures("x", "run", usage(1.0, 2**20, steps=40)) != ()
    unsampled = usage(1.0, 2**20).model_copy(update={"curve": ()})
    assert usage_figures("x", "run", unsampled) == ()
