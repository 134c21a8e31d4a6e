"""Who may be shown, and as what: hidden unless the latest decision says otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from grader.publish.aliases import aliases, named_slug
from grader.store import Export, VisibilitySet


@dataclass(frozen=True)
class Public:
    """A student who may be shown, and as what."""

    name: str
    slug: str
    named: bool


def public_people(export: Export, secret: bytes) -> dict[str, Public]:
    """Return who may be shown, by id; a student without an id cannot have agreed.

    Raises:
        ConfigError: the secret is too short.
    """
    latest: dict[str, VisibilitySet] = {}
    for event in export.events:
        if isinstance(event.payload, VisibilitySet):
            latest[event.student] = event.payload
    alias_of = aliases((e.student for e in export.events if e.student), secret)
    found = {}
    for student, alias in alias_of.items():
        choice = latest.get(student)
        if choice is None or choice.visibility == "hidden":
            continue
        if choice.visibility == "named":
            slug = named_slug(student, secret)
            found[student] = Public(choice.name, slug, named=True)
        else:
            found[student] = Public(alias.replace("-", " "), alias, named=False)
    return found
