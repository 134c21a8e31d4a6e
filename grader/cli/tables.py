"""Rows as a table, as CSV, or as JSON: one way for all commands that list things."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import click
from tabulate import tabulate

from grader.reports.display import csv_cell, terminal

FORM = click.Choice(["table", "csv", "json"])
WIDTH = 60  # of a cell, in columns


def shown(
    form: str, headers: Sequence[str], rows: Sequence[Sequence[str]], data: Any
) -> str:
    """Return `rows` under `headers` in the format `form`; `data` is what JSON has."""
    if form == "json":
        return json.dumps(data, indent=1)
    if form == "csv":
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(headers)
        writer.writerows([csv_cell(cell) for cell in row] for row in rows)
        return out.getvalue().rstrip("\n")
    cells = [[terminal(cell, WIDTH) for cell in row] for row in rows]
    return tabulate(cells, headers, disable_numparse=True, tablefmt="simple")
