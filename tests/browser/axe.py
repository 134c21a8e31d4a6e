"""Hold a page against axe-core, as `axe-core-python` has it; nothing is fetched."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

from chromium import Browser

# Everything axe knows, but for rules that it calls experimental itself.
_RUN = """
axe.run(document, {resultTypes: ["violations", "passes"]}).then((found) => [
  found.passes.length,
  found.violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 200)} `
    + v.nodes[0].failureSummary),
])
"""


def violations(page: Browser) -> list[str]:
    """Return what axe-core finds wrong with the open page, folded parts unfolded."""
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    newer = os.environ.get("AXE_CORE", "")  # path of another axe.min.js
    source = (
        Path(newer) if newer else files("axe_core_python") / "axe.min.js"
    ).read_text("utf-8")
    page.evaluate(source + ";0")
    passed, found = page.evaluate(_RUN)
    assert passed > 10, "axe found next to nothing to look at"
    return list(found)
