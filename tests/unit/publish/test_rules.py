from __future__ import annotations

from pathlib import Path

from grader.config import load_course
from grader.publish.rules import competition_rules

ROOT = Path(__file__).parents[3]


def test_rules_are_those_of_the_course() -> None:
    course = load_course(ROOT / "course.toml")

    rules = competition_rules(course)

    assert [r.event for r in rules.events] == [e.name for e in course.events]
    assert {*rules.by_name} >= {"latency", "training", "memory", "generation"}
    for event in course.events:
        found = rules.by_name[event.name]
        assert found.workloads == {w.name: w.weight for w in event.workloads}
        assert bool(found.floors) == (event.name == "training")


def test_modules_that_a_workload_needs_come_with_their_own_needs() -> None:
    course = load_course(ROOT / "course.toml")

    required = competition_rules(course).by_name["memory"].required

    assert {"spatial", "training"} <= {*required}
    for name in required:
        assert {*course.module(name).needs} <= {*required}
    order = [m.name for m in course.modules]
    assert [*required] == sorted(required, key=order.index)
