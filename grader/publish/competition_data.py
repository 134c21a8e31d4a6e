"""The machine-readable side of the competition: JSON, CSV, raw samples."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from grader.publish.competition_models import (
    Competition,
    EventEntry,
    Interval,
    Record,
    Records,
    Samples,
    SampleSet,
)
from grader.publish.data import number, schema, to_json
from grader.reports.display import csv_cell

HEADERS: Final = (
    *("event", "division", "host_class", "rank", "rank_worst", "entry", "state"),
    *("score", "score_low", "score_high", "speed", "memory", "accuracy"),
    *("submission", "measured_on", "formula"),
)
RECORD_HEADERS: Final = (
    *("event", "division", "host_class", "set_on", "entry", "value", "beaten"),
    *("ratio", "ratio_low", "ratio_high", "current", "submission"),
)


def competition_files(made: Competition) -> dict[str, bytes]:
    """Return the files of the whole competition, by path."""
    held = Records(
        course=made.course, generated_at=made.generated_at, records=made.records
    )
    return {
        "data/v1/competition.json": to_json(made),
        "data/v1/competition.schema.json": schema(Competition),
        "data/v1/competition.csv": _csv(HEADERS, _lines(made)),
        "data/v1/records.json": to_json(held),
        "data/v1/records.schema.json": schema(Records),
        "data/v1/records.csv": _csv(RECORD_HEADERS, map(_record, made.records)),
        "data/v1/samples.schema.json": schema(SampleSet),
    }


def sample_file(
    slug: str, sessions: Sequence[str], samples: Mapping[str, Samples]
) -> bytes:
    """Return the raw numbers behind one entry's page."""
    found = tuple(samples[digest] for digest in sessions)
    return to_json(SampleSet(slug=slug, sessions=found))


def _csv(headers: Sequence[str], lines: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(headers)
    writer.writerows(lines)
    return out.getvalue().encode()


def _lines(made: Competition) -> Iterable[list[str]]:
    for board in made.boards:
        for entry in board.entries:
            yield _line(entry, board.formula)


def _line(entry: EventEntry, formula: str) -> list[str]:
    parts = (entry.speed, entry.memory, entry.accuracy)
    return [
        entry.event,
        entry.division,
        csv_cell(entry.host_class),
        number(entry.rank_number),
        number(entry.rank_worst),
        csv_cell(entry.name),
        entry.state,
        number(entry.score),
        *_ends(entry.interval),
        *(number(part.value if part else None) for part in parts),
        entry.submission,
        entry.measured_on.isoformat(),
        formula,
    ]


def _record(record: Record) -> list[str]:
    return [
        record.event,
        record.division,
        csv_cell(record.host_class),
        record.set_on.isoformat(),
        csv_cell(record.name),
        number(record.value),
        number(record.beaten),
        number(record.ratio.value if record.ratio else None),
        *_ends(record.ratio),
        "yes" if record.current else "no",
        record.submission,
    ]


def _ends(interval: Interval | None) -> tuple[str, str]:
    if interval is None:
        return "", ""
    return number(interval.low), number(interval.high)
