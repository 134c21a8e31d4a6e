"""What the pages cost the reader: weight, seconds to sort, and who is asked."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "browser"))

from chromium import Browser  # noqa: E402

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
# Every column five times, layout included; the median of the slowest column, in ms.
SORT: Final = """
Math.max(...[...document.querySelectorAll("th[data-key] button")].map((button) => {
  const took = [0, 1, 2, 3, 4].map(() => {
    const began = performance.now();
    button.click();
    document.body.offsetHeight;
    return performance.now() - began;
  });
  return took.sort((a, b) => a - b)[2];
}))
"""
FILTER: Final = """
(() => {
  const input = document.querySelector("#controls input");
  const began = performance.now();
  input.value = "zz";
  input.dispatchEvent(new Event("input"));
  document.body.offsetHeight;
  return performance.now() - began;
})()
"""
LOADED_MS: Final = "performance.getEntriesByType('navigation')[0].loadEventEnd"


def read_in_browser(site: Path) -> dict[str, Any] | None:
    """Open one page of each kind; None where there is no Chromium.

    Returns:
        Per page its KiB, ms until it was loaded, rows, and of sortable pages the ms of
        sorting by the slowest column and of filtering. `asked` lists requests that were
        not for the page itself, and must be empty.
    """
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        return None
    found: dict[str, Any] = {"asked": []}
    with Browser(executable) as page:
        page.resize(1280)
        for path in _kinds(site):
            page.open(path.as_uri())
            found[path.relative_to(site).as_posix()] = _one(page, path)
            found["asked"] += [a for a in page.requests() if a != path.as_uri()]
    return found


def _one(page: Browser, path: Path) -> dict[str, float]:
    told = {
        "kib": round(path.stat().st_size / 1024, 1),
        "loaded_ms": round(page.evaluate(LOADED_MS), 1),
        "rows": page.evaluate("document.querySelectorAll('tbody tr').length"),
    }
    if page.evaluate("!!document.querySelector('th[data-key] button')"):
        told["sort_ms"] = round(page.evaluate(SORT), 1)
        told["filter_ms"] = round(page.evaluate(FILTER), 1)
    return told


def _kinds(site: Path) -> list[Path]:
    """Return the front page and the largest of each folder and kind."""
    kinds: dict[str, list[Path]] = {}
    for path in site.rglob("*.html"):
        last = path.stem.rpartition("-")[2]
        kind = "n" if last.isdigit() else "names" if "-names-" in path.stem else last
        alike = kind if path.parent.name != "entry" else ""
        kinds.setdefault(f"{path.parent.name}/{alike}", []).append(path)
    return sorted(
        max(paths, key=lambda p: (p.stat().st_size, p.name)) for paths in kinds.values()
    )
