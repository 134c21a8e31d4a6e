"""The competition part of an entry's page: one event with all that it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from grader.publish.competition_models import (
    EventEntry,
    MeasuredOn,
    Samples,
    WorkloadResult,
)
from grader.publish.look import events, samples, text
from grader.publish.look.points import Fact
from grader.reports import units


class EventView(NamedTuple):
    """One event on an entry's page; `plots` and rows are HTML."""

    id: str
    path: str
    title: str
    entry: EventEntry
    facts: tuple[Fact, ...]
    gates: Markup
    works: Markup
    intervals: Markup
    plots: Markup
    history: Markup
    sources: tuple[tuple[str, str], ...]  # name, value: of the first session


def event_views(
    entries: Sequence[EventEntry], known: Mapping[str, Samples]
) -> tuple[EventView, ...]:
    """Return the events of one person; the samples of a session are drawn once."""
    seen: set[str] = set()
    views = []
    for number, entry in enumerate(entries, start=1):
        fresh = [w for w in entry.workloads if w.session not in seen]
        seen.update(w.session for w in fresh)
        views.append(_view(f"event-{number}", entry, fresh, known))
    return tuple(views)


def _view(
    view_id: str,
    entry: EventEntry,
    fresh: Sequence[WorkloadResult],
    known: Mapping[str, Samples],
) -> EventView:
    title = text.event_title(entry.event, entry.division)
    plots = []
    for number, work in enumerate(fresh, start=1):
        found = known.get(work.session)
        if found is not None:
            prefix = f"{view_id}-{number}"
            plots.append(samples.strip_plot(prefix, work, found))
            plots.append(samples.process_plot(prefix, work, found))
    return EventView(
        id=view_id,
        path=text.event_path(entry.event, entry.division),
        title=title,
        entry=entry,
        facts=_facts(entry),
        gates=text.markup("\n".join(_gates(entry))),
        works=text.markup("\n".join(map(_work, entry.workloads))),
        intervals=text.markup(samples.interval_plot(view_id, title, entry.workloads)),
        plots=text.markup("".join(plots)),
        history=text.markup("\n".join(_history(entry))),
        sources=_sources(entry),
    )


def _facts(entry: EventEntry) -> tuple[Fact, ...]:
    number, _, range_ = entry.rank.partition(" ")
    place = f"could be {range_.strip('()')}".replace("-", " to ") if range_ else ""
    if entry.rank_number is None:
        place = {"withdrawn": "withdrawn", "unstable": "unstable"}.get(
            entry.state, "not ranked"
        )
    span = entry.interval
    ends = f"95 %: {span.low:.1f} to {span.high:.1f}" if span else ""
    ratios = [
        (
            f"{what} against the reference",
            text.ratio(v.value),
            f"{v.low:.2f} to {v.high:.2f}",
        )
        for what in ("speed", "memory", "accuracy")
        if (v := getattr(entry, what)) is not None
    ]
    return (
        ("rank", number, place or f"among {entry.host_class}"),
        ("score", text.score(entry.score), ends or "reference: 100"),
        *ratios,
    )


def _gates(entry: EventEntry) -> list[str]:
    styles = {"passed": "passed", "failed": "failed", "undecided": "blocked"}
    return [
        f'<tr><th scope="row">{text.name(g.name)}</th>'
        f'<td><span class="state {styles[g.state]}">{g.state}</span></td>'
        f"<td>{text.safe(g.detail, 200)}</td>"
        f'<td class="num">{text.DASH if g.p_value is None else f"{g.p_value:.2g}"}</td>'
        "</tr>"
        for g in entry.gates
    ]


def _work(work: WorkloadResult) -> str:
    first, *cells = events.work_row(work)
    timed = (
        f'{_ms(work.student_cpu_s)} <span class="range">{_ms(work.reference_cpu_s)}'
        " reference</span>"
        if work.student_cpu_s
        else text.DASH
    )
    void = "".join(
        f' <span class="state unjudged">void: {events.VOIDS[v]}</span>'
        for v in work.voids
    )
    failed = (
        f' <span class="state failed">{text.safe(work.failed, 40)}</span>'
        if work.failed
        else ""
    )
    middle = "".join(f'<td class="num">{cell}</td>' for cell in (*cells, timed))
    return (
        f'<tr><th scope="row">{first}{void}{failed}</th>{middle}'
        f'<td class="num">{text.day(work.measured_on)}</td>'
        f'<td class="mono">{units.short_digest(work.session)}</td></tr>'
    )


def _ms(seconds: float | None) -> str:
    return text.DASH if seconds is None else f"{1000 * seconds:.1f} ms"


def _history(entry: EventEntry) -> list[str]:
    return [
        f'<tr><td class="num">{text.day(past.measured_on)}</td>'
        f'<td class="num">{text.score(past.score)}</td>'
        f'<td class="mono">{units.short_digest(past.submission)}</td>'
        f"<td>{past.state}</td></tr>"
        for past in entry.history
    ]


def _sources(entry: EventEntry) -> tuple[tuple[str, str], ...]:
    if not entry.workloads:
        return (("submission", entry.submission),)
    work = entry.workloads[0]
    machine = work.machine
    plan = (
        f"{work.launches} launches of {work.pairs} pairs, batches of {work.batch_size}"
    )
    return (
        ("submission", entry.submission),
        ("reference", work.reference),
        ("suites", work.suites),
        ("data", work.data),
        *((("image", machine.image),) if machine.image else ()),
        ("host class", f"{entry.host_class}: {machine.cpu}, {machine.cores} cores"),
        ("software", _software(machine)),
        ("isolation tier", machine.tier),
        ("plan", plan if work.launches else "memory alone"),
        ("seed", str(work.seed)),
        ("load", _load(machine)),
    )


def _software(machine: MeasuredOn) -> str:
    return (
        f"Linux {machine.kernel}, Python {machine.python}, numpy {machine.numpy},"
        f" {machine.blas}"
    )


def _load(machine: MeasuredOn) -> str:
    return (
        f"{machine.load_before:.2f} before, {machine.load_after:.2f} after;"
        f" throttled {machine.throttled_s:.2f} s"
    )
