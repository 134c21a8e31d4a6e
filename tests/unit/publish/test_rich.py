from __future__ import annotations

from publish import rich


def test_the_sample_has_every_kind_of_row() -> None:
    made = rich.competition()
    rows = [entry for board in made.boards for entry in board.entries]

    assert {b.host_class for b in made.boards} == {"azure-d2s-v5", "lab-ryzen-7"}
    assert {b.division for b in made.boards} == {"closed", "open"}
    assert {e.state for e in rows} == {"ranked", "unranked", "unstable", "withdrawn"}
    assert any(e.tied for e in rows)
    assert any(b.frozen_at for b in made.boards)
    assert any(not b.shown for b in made.boards)
    assert sum(r.current for r in made.records) < len(made.records)
    assert all((e.rank_number is None) == (e.state != "ranked") for e in rows)


def test_the_sample_has_the_samples_of_every_session_shown() -> None:
    shown = {s for page in rich.pages().values() for s in page.sessions}

    assert shown
    assert shown <= rich.samples().keys()


def test_points_have_ties_and_a_row_without_a_total() -> None:
    rows = rich.leaderboard().boards[0].entries

    assert any(e.tied for e in rows)
    assert all(
        (e.total is None) == (e.rank is None)
        for e in rich.leaderboard().boards[1].entries
    )
    assert any(e.total is None for e in rich.leaderboard().boards[1].entries)
