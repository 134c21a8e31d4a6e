"""Numbers as people read them; the same in every report."""

from __future__ import annotations

MIB = 2**20
# Metrics of which less is better; their target is the most that counts.
LOWER_IS_BETTER = frozenset({"nats per character"})
MISSING = "\N{EN DASH}"  # no value; never zero


def points(value: float) -> str:
    """Return points with at most two decimals: 8, 7.5, 6.67."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def seconds(value: float) -> str:
    """Return seconds with three significant digits: 0.0312, 4.10, 259."""
    if value >= 100:
        return f"{value:.0f}"
    digits = 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:.{digits}f}"


def mebibytes(size: float) -> str:
    """Return bytes as whole MiB, with one decimal below ten."""
    mib = size / MIB
    return f"{mib:.0f}" if mib >= 10 else f"{mib:.1f}"


def metric(name: str, value: float | None) -> str:
    """Return a metric with its unit: an accuracy as "97.3 %", others as a number."""
    if value is None:
        return MISSING
    if name == "accuracy":
        return f"{100 * value:.1f} %"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def target(name: str, value: float) -> str:
    """Return a target as people say it: "at least 95.0 %", "at most 1.8"."""
    bound = "at most" if name in LOWER_IS_BETTER else "at least"
    return f"{bound} {metric(name, value)}"


def short_digest(digest: str) -> str:
    """Return the first twelve hex digits of "sha256:..."."""
    return digest.removeprefix("sha256:")[:12]
