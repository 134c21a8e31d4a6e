"""The durable truth: result documents by digest, and one append-only event table.

Everything public is a pure function of `Store.export()`; nothing else writes results.
"""

from grader.store.events import Event, GradedAt, VisibilitySet, Withdrawn
from grader.store.export import Export, StoredResult, has_inconclusive
from grader.store.store import Store

__all__ = [
    "Event",
    "Export",
    "GradedAt",
    "Store",
    "StoredResult",
    "VisibilitySet",
    "Withdrawn",
    "has_inconclusive",
]
