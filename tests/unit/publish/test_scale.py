"""Many places at once are the places one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from grader.publish.look.scale import Scale, joined, place

VALUES = st.floats(-1e6, 1e6)


@given(st.lists(st.tuples(VALUES, VALUES), max_size=6))
def test_points_of_a_path_are_written_as_single_places_are(
    points: list[tuple[float, float]],
) -> None:
    assert joined(points) == "L".join(f"{place(x)} {place(y)}" for x, y in points)


@given(st.lists(VALUES, max_size=6), VALUES, st.floats(1e-3, 1e6), VALUES, VALUES)
def test_places_are_those_of_single_values(
    values: list[float], low: float, length: float, start: float, end: float
) -> None:
    scale = Scale(low, low + length, start, end)

    assert scale.places(values) == [scale(value) for value in values]
