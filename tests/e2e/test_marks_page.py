"""The how-to about rounds and marks, typed from top to bottom."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

from grader_command import ROOT, TEMPLATE, copied, small_course

PAGE = ROOT / "docs" / "how-to" / "rounds-and-marks.md"


def blocks(language: str) -> list[str]:
    text = PAGE.read_text(encoding="utf8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_the_page_can_be_typed_from_top_to_bottom(tmp_path: Path) -> None:
    folder = small_course(tmp_path / "course", [])
    for student in ("ann", "bob"):
        copied(TEMPLATE, folder / "submissions" / student, {})
    roster, times = blocks("csv")
    dates = "student,due\nbob,2026-12-05T23:59+01:00\n"
    for name, text in (("roster", roster), ("times", times), ("dates", dates)):
        (folder / f"{name}.csv").write_text(text, encoding="utf8")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    kept = {k: v for k, v in os.environ.items() if k != "TINYTORCH_DATA"}
    variables = {"GRADER_STATE": str(tmp_path / "state"), "PATH": path}

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks("sh"))],
        cwd=folder,
        env=kept | variables | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    told = "due 2026-12-01 23:59+01:00 and 15 minutes of grace\n2 days late: -20 %"
    assert told in done.stdout
    with (folder / "grades.csv").open(encoding="utf8", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert (rows["ann"]["late_days"], rows["bob"]["late_days"]) == ("0", "2")
