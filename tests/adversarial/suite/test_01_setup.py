"""One check that asks twice: enough for attacks that every check would meet alike."""

from __future__ import annotations

from grader.checks import holds, type_name


def test_answers_twice(tt):
    """system_info() answers, and answers again."""
    for _ in range(2):
        info = tt.system_info()
        call = "system_info()"
        good = isinstance(info, dict) and type(info.get("cpu_count")) is int
        holds(good, call=call, expected="a dict", got=type_name(info))
