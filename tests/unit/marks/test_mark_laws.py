"""What holds for marks whatever was graded and said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from grader.marks import Mark, days_late
from grader.models.summary import ResultSummary
from grader.store.events import Chosen, Commented
from marks.books import DAY, DUE, ROUND, WHO, Book, submission

Act = Callable[[Book], Any]
NAMES = st.sampled_from("ab")  # few, so that what is said meets what was graded
POINTS = st.integers(0, 80000).map(lambda n: n / 100)
SECONDS = st.integers(-2 * 86400, 8 * 86400)
ZONES = st.integers(-12 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
SHARES = st.sampled_from([0.0, 0.07, 0.1, 0.25, 0.5, 1.0])
WEST = timezone(timedelta(hours=-8))
laws = settings(deadline=None, max_examples=120)  # the machine is shared


@st.composite
def moments(draw: st.DrawFn) -> datetime:
    """Draw an aware time around the due date, in any zone."""
    return (DUE + timedelta(seconds=draw(SECONDS))).astimezone(draw(ZONES))


@st.composite
def policies(draw: st.DrawFn, **fixed: Any) -> dict[str, Any]:
    """Draw a policy; some have no due date."""
    drawn = {
        "due_at": draw(st.sampled_from([None, DUE, DUE, DUE.astimezone(WEST)])),
        "grace_s": draw(st.integers(0, 7200)),
        "per_day": draw(SHARES),
        "most": draw(SHARES),
        "of": draw(st.sampled_from(["earned", "possible"])),
        "keep": draw(st.sampled_from(["best", "last"])),
        "closes_after_days": draw(st.sampled_from([None, None, 2, 5])),
    }
    return drawn | fixed


def results(who: str) -> st.SearchStrategy[Act]:
    """Draw a grading, sometimes one in which something was not judged."""
    return st.builds(
        lambda name, tensor, unjudged: (
            lambda book: book.graded(
                who, name, tensor=tensor, unjudged=("tensor",) if unjudged else ()
            )
        ),
        NAMES,
        POINTS,
        st.sampled_from([False, False, False, True]),
    )


def times(who: str) -> st.SearchStrategy[Act]:
    return st.builds(
        lambda at, name: lambda book: book.came(who, at, name), moments(), NAMES
    )


def extensions(who: str) -> st.SearchStrategy[Act]:
    return st.builds(lambda at: lambda book: book.extended(who, at), moments())


def overrides(who: str) -> st.SearchStrategy[Act]:
    return st.builds(
        lambda points, part: lambda book: book.override(who, points, part),
        st.none() | POINTS,
        st.sampled_from(["", "setup", "tensor"]),
    )


def acts(who: str) -> st.SearchStrategy[Act]:
    """Draw anything but points set by staff."""
    return results(who) | times(who) | extensions(who)


def played(policy: dict[str, Any], *rounds: list[Act]) -> Book:
    book = Book(**policy)
    for acts_ in rounds:
        for act in acts_:
            act(book)
    return book


def told(mark: Mark) -> tuple[Any, ...]:
    """Return all of a mark that does not name a document."""
    return (mark.value, mark.earned, mark.penalty, mark.state, mark.steps, mark.parts)


@laws
@given(policies(), st.lists(acts("ada"), max_size=12))
def test_a_mark_is_never_negative_and_never_more_than_there_is(
    policy: dict[str, Any], said: list[Act]
) -> None:
    mark = played(policy, said).mark()

    if mark.value is None:
        assert mark.state != "graded"
    else:
        assert mark.earned is not None
        assert mark.penalty is not None
        assert 0 <= mark.value <= mark.earned <= 100000
        assert mark.value == mark.earned - mark.penalty
        assert mark.earned == sum(part.earned for part in mark.parts)


@laws
@given(policies(), st.lists(acts("ada") | overrides("ada"), max_size=14))
def test_what_staff_set_is_what_stands(policy: dict[str, Any], said: list[Act]) -> None:
    book = played(policy, said)
    book.override("ada", 12.34, "setup")
    mark = book.mark()
    book.override("ada", 43.21)

    if mark.earned is not None:
        parts = {part.key: part.earned for part in mark.parts}
        assert parts["setup"] == 1234
        assert sum(parts.values()) == mark.earned
    assert book.mark().value == 4321


@laws
@given(policies(due_at=DUE), POINTS, SECONDS, st.integers(1, 200))
def test_who_is_later_never_has_more(
    policy: dict[str, Any], tensor: float, seconds: int, hours: int
) -> None:
    def value(at: datetime) -> int:
        book = Book(**policy)
        book.graded("ada", tensor=tensor)
        book.came("ada", at)
        return book.mark().value or 0  # after closing nothing was handed in

    at = DUE + timedelta(seconds=seconds)
    assert value(at + timedelta(hours=hours)) <= value(at)


@laws
@given(policies(), st.lists(acts("ada"), max_size=12))
def test_the_best_attempt_is_no_worse_than_the_last(
    policy: dict[str, Any], said: list[Act]
) -> None:
    best, last = (played(policy | {"keep": k}, said).mark() for k in ("best", "last"))

    assert (best.value or 0) >= (last.value or 0)
    assert best.state == last.state


@laws
@given(policies(keep="best"), st.lists(acts("ada"), max_size=10), moments())
def test_an_extension_never_lowers_the_best_attempt(
    policy: dict[str, Any], said: list[Act], due: datetime
) -> None:
    book = played(policy, said)
    before = book.mark()
    book.extended("ada", due)
    # The latest extension holds: one that is shorter than an earlier one takes back.
    assume((book.mark().due_at or DUE) >= (before.due_at or DUE))

    assert (book.mark().value or 0) >= (before.value or 0)


@laws
@given(policies(keep="last", closes_after_days=None), st.data())
def test_an_extension_never_lowers_the_last_attempt_of_a_round_that_stays_open(
    policy: dict[str, Any], data: st.DataObject
) -> None:
    said = data.draw(st.lists(results("ada") | times("ada"), max_size=10))
    book = played(policy, said)
    before = book.mark()
    book.extended("ada", data.draw(moments()))

    assert (book.mark().value or 0) >= (before.value or 0)
    assert book.mark().stored == before.stored


@laws
@given(
    policies(),
    st.lists(acts("ada") | overrides("ada") | acts("bob"), min_size=1, max_size=12),
    st.booleans(),
)
def test_a_regrade_with_the_same_results_changes_nothing(
    policy: dict[str, Any], said: list[Act], applied: bool
) -> None:
    book = played(policy, said)
    before = {who: told(mark) for who, mark in book.marks().items()}
    for (who, name), graded in reversed(_by_submission(book).items()):
        for made in graded:
            book.graded(
                who,
                name,
                tensor=next(m.earned for m in made.modules if m.name == "tensor"),
                unjudged=() if made.judged else ("tensor",),
                regrade="again",
            )
    book.regrade("again", "applied" if applied else "planned")

    assert {who: told(mark) for who, mark in book.marks().items()} == before


def _by_submission(book: Book) -> dict[tuple[str, str], list[ResultSummary]]:
    """Return what was graded by student and name of the submission, in order."""
    found: dict[tuple[str, str], list[ResultSummary]] = {}
    for made in list(book.results.values()):
        (name,) = (n for n in "ab" if submission(n) == made.submission)
        found.setdefault((made.student, name), []).append(made)
    return found


@laws
@given(policies(), st.lists(acts("ada"), max_size=8), st.data())
def test_what_others_do_and_other_rounds_is_irrelevant(
    policy: dict[str, Any], said: list[Act], data: st.DataObject
) -> None:
    alone = played(policy, said).mark()
    noise = acts("bob") | overrides("bob") | st.just(_another_round)
    mixed: list[Act] = []
    for act in said:
        mixed += [*data.draw(st.lists(noise, max_size=2)), act]

    assert played(policy, mixed).mark() == _same_documents(alone, played(policy, mixed))


def _another_round(book: Book) -> None:
    book.graded("ada", "elsewhere", round="week-2")
    book.say("ada", Commented(round="week-2", text="elsewhere", by=WHO))


def _same_documents(mark: Mark, book: Book) -> Mark:
    """Return `mark` with the document of `book`, whose digests depend on all events."""
    found = book.mark()
    return Mark(**{**vars(mark), "stored": found.stored})


@laws
@given(
    policies(),
    st.tuples(
        st.lists(times("ada"), max_size=5),
        st.lists(results("ada"), max_size=5),
        st.lists(extensions("ada"), max_size=3),
        st.lists(overrides("ada"), max_size=3),
    ),
    st.randoms(use_true_random=False),
)
def test_only_the_order_within_a_kind_matters(
    policy: dict[str, Any], said: tuple[list[Act], ...], random: Any
) -> None:
    """Times may come in any order at all: the earliest counts."""
    in_turn = played(policy, *said)
    queues = [list(acts_) for acts_ in said]
    random.shuffle(queues[0])
    shuffled: list[Act] = []
    while any(queues):
        shuffled.append(random.choice([q for q in queues if q]).pop(0))

    assert told(played(policy, shuffled).mark()) == told(in_turn.mark())


@laws
@given(
    policies(),
    st.lists(acts("red") | overrides("red"), min_size=1, max_size=10),
    st.integers(0, 10),
)
def test_members_of_a_team_are_equal(
    policy: dict[str, Any], said: list[Act], when: int
) -> None:
    book = Book(**policy)
    for act in said[:when]:
        act(book)
    book.team("red", "ada", "bob", "cem")
    for act in said[when:]:
        act(book)

    marks = list(book.marks(also=["ada", "bob", "cem"]).values())

    assert [m.student for m in marks] == ["ada", "bob", "cem"]
    assert len({told(mark) for mark in marks}) == 1
    alone = played(policy, said).mark("red")
    assert (marks[0].value, marks[0].state) == (alone.value, alone.state)


@laws
@given(policies(), st.lists(acts("ada"), min_size=1, max_size=8), st.data())
def test_the_chosen_attempt_counts_whatever_else_there_is(
    policy: dict[str, Any], said: list[Act], data: st.DataObject
) -> None:
    book = played(policy, said)
    assume(book.results)
    document = data.draw(st.sampled_from(sorted(book.results)))
    book.say("ada", Chosen(round=ROUND, by=WHO), document)

    mark = book.mark()

    assert mark.stored is not None
    assert mark.stored.summary.submission == book.results[document].submission


@laws
@given(SECONDS, ZONES, ZONES, st.integers(0, 7200))
def test_zones_are_only_ways_to_write_a_time(
    seconds: int, one: timezone, other: timezone, grace_s: int
) -> None:
    at = DUE + timedelta(seconds=seconds)

    days = days_late(at.astimezone(one), DUE.astimezone(other), grace_s)

    assert days == days_late(at, DUE, grace_s)
    assert (days - 1) * DAY < at - DUE - timedelta(seconds=grace_s) or days == 0
    assert at - DUE - timedelta(seconds=grace_s) <= days * DAY


@laws
@given(policies(), st.lists(acts("ada") | overrides("ada"), max_size=10))
def test_the_last_step_is_the_mark(policy: dict[str, Any], said: list[Act]) -> None:
    mark = played(policy, said).mark()

    if mark.value is not None:
        assert f"{mark.value / 100:.2f}" in mark.steps[-1]
    assert mark.steps
