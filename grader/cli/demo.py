"""`make demo`: three packages graded, reported and published in a minute."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from grader import api
from grader.cli.talk import progress, say
from grader.config import Home, find_home
from grader.errors import ConfigError, SandboxUnavailableError
from grader.models.report import GradeReport
from grader.reports import to_html, to_table

# Who is who on the demo's board; three invented students who agreed to be shown.
PACKAGES = (
    ("the reference", "ada@example.edu"),
    ("the untouched template", "alan@example.edu"),
    ("typical mistakes", "grace@example.edu"),
)


def sources(home: Home, scratch: Path) -> list[Path]:
    """Return the three packages; the wrong one is made from the reference."""
    wrong = scratch / "typical_mistakes"
    maker = home.reference / "mutants" / "apply.py"
    command = [sys.executable, str(maker), "typical_mistakes", str(wrong)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        msg = f"the wrong package cannot be made: {done.stderr.strip()[-300:]}"
        raise ConfigError(msg)
    return [home.reference, home.folder / "student_template", wrong]


def grade(source: Path, student: str) -> GradeReport:
    """Grade one of our own packages, behind the strongest wall there is."""
    options = api.GradeOptions(student=student, demo=True)
    try:
        return api.grade(str(source), options, progress())
    except SandboxUnavailableError as exc:
        say(f"{exc.message}; going on without a wall, for code of our own only")
        bare = api.GradeOptions(student=student, demo=True, sandbox="none")
        return api.grade(str(source), bare, progress())


def run(home: Home) -> None:
    """Grade, print, write pages, publish."""
    site, state = home.folder / "site" / "demo", api.state_folder(home) / "demo"
    shutil.rmtree(state, ignore_errors=True)
    reports = site.parent / "demo-reports"
    reports.mkdir(parents=True, exist_ok=True)
    store = api.open_store(state)
    with tempfile.TemporaryDirectory() as folder:
        packages = sources(home, Path(folder))
        for (title, student), source in zip(PACKAGES, packages, strict=True):
            report = grade(source, student)
            click.echo(f"\n{title}\n{'=' * len(title)}\n")
            click.echo(to_table(report))
            store.add_report(report)
            store.set_visibility(student, "alias", by="the demo")
            page = reports / f"{title.split()[-1]}.html"
            page.write_text(to_html(report), encoding="utf8")
    index = api.publish(site, store=state, minimum_group=1)
    click.echo("\nOpen in a browser:")
    click.echo(f"  leaderboard  {index}")
    for page in sorted(reports.glob("*.html")):
        click.echo(f"  report       {page}")


def main() -> None:
    """Run the demo in the course of this checkout."""
    run(find_home(Path(__file__).parent))


if __name__ == "__main__":
    from grader.cli.main import guarded

    guarded(main)
