"""Records of the rich data set: four holders one after the other, and a first one."""

from __future__ import annotations

from datetime import date

from grader.publish.competition_models import EventBoard, Interval, Record
from publish.rich_names import PEOPLE, digest, slug_of


def records(first: EventBoard) -> tuple[Record, ...]:
    steps = ((6, 121.4, 3), (4, 146.9, 6), (3, 169.2, 9), (0, 236.3, 15))
    made: list[Record] = []
    for number, (place, value, day) in enumerate(steps):
        name = PEOPLE[place][0]
        before = made[-1].value if made else None
        times = value / before if before else 1.0
        record = Record(
            event=first.event,
            division=first.division,
            host_class=first.host_class,
            value=value,
            name=name,
            slug=slug_of(name),
            set_on=date(2026, 11, day),
            submission=digest("submission", name),
            current=number == len(steps) - 1,
            beaten=before,
            ratio=Interval(value=times, low=times * 0.98, high=times * 1.02)
            if before
            else None,
            head_to_head=(digest("head-to-head", name),) if before else (),
        )
        made.append(record)
    alone = made[0].model_copy(
        update={"event": "memory", "value": 149.2, "current": True}
    )
    return (*made, alone)
