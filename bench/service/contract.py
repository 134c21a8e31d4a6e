"""Hold the running application against its own OpenAPI document, with schemathesis.

    pip install schemathesis==4.32.5
    python bench/service/contract.py --out bench/service/contract.json

schemathesis is no dependency of ours: it makes requests from the document, right ones
and wrong ones, and says where an answer is not what the document promises. Exits 1 if
one is not.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.core import NotSet
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance as positive

from grader.config import find_home, load_course
from grader.grading import GradeOptions
from grader.rounds import new_round
from grader.service import Settings, Site, create_app, pages
from grader.service.bases import Bases
from grader.service.limits import Window
from grader.service.spoken import Spoken
from grader.store import Store
from grader.store.access import Who

ROOT = Path(__file__).resolve().parents[2]


def raw_of(value: Any) -> bytes:
    """Return bytes as they are, and whatever else was made as its text."""
    raw = getattr(value, "data", value)
    return raw if isinstance(raw, bytes) else json.dumps(raw).encode()


@schemathesis.serializer("application/gzip")
def as_it_is(_context: Any, value: Any) -> bytes:
    """Send an upload."""
    return raw_of(value)


class FixedBases(Bases):
    """A basis that needs no wall: nothing is graded here."""

    def of(self, round_: str) -> str:
        """Return some text of a round."""
        return f"basis of {round_}"


def site_in(folder: Path) -> tuple[Site, str]:
    """Return a service without workers, and a student's token."""
    os.environ["GRADER_STATE"] = str(folder)
    new_round(folder, "week-1", "feedback")
    home = find_home(ROOT)
    options = GradeOptions(round="week-1")
    kept = Settings(
        grade=options,
        round="week-1",
        store=folder / "store",
        per_hour=100_000,  # limits are tested elsewhere
        free_bytes=0,
        secure=False,
    )
    store = Store.open(kept.store)
    token = store.access.issue("token", Who("student", "ada"))
    course, bases = load_course(home.course_file), FixedBases(home, options)
    made = Site(kept, store, home, course, bases, Spoken(store), _now)
    made.guesses = Window(10**6, timedelta(minutes=5))  # wrong tokens are tried, too
    return made, token


def _now() -> datetime:
    return datetime.now(UTC)


def check(site: Site, token: str, examples: int) -> dict[str, Any]:
    """Ask everything that the document has; return what was asked and what failed."""
    schema = schemathesis.openapi.from_asgi(
        "/openapi.json", create_app(site, pages.ROUTERS)
    )
    tally = Tally(token)
    for result in schema.get_all_operations():
        operation = result.ok()
        name = f"{operation.method.upper()} {operation.path}"
        for mode in GenerationMode:
            with suppress(Unsatisfiable):  # nothing about it can be wrong
                explore(tally, name, operation.as_strategy(mode), examples)
    return {
        "asked": dict(tally.asked),
        "answers": {str(code): n for code, n in sorted(tally.answers.items())},
        "failed": tally.failed,
    }


def explore(tally: Tally, name: str, cases: Any, examples: int) -> None:
    """Make so many requests of a kind, the same each time."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def ask(case: Any) -> None:
        tally.ask(name, case)

    ask()


class Tally:
    """What was asked, how it was answered, and the first failure of each kind."""

    def __init__(self, token: str) -> None:
        self._headers = {"Authorization": f"Bearer {token}"}
        self.asked: Counter[str] = Counter()
        self.answers: Counter[int] = Counter()
        self.failed: dict[str, str] = {}

    def ask(self, name: str, case: Any) -> None:
        """Ask once as it was made, and an upload once more with its right digest."""
        self._once(name, case, self._headers)
        if case.method.upper() == "POST" and not isinstance(case.body, NotSet):
            digest = hashlib.sha256(raw_of(case.body)).digest()
            told = f"sha-256=:{base64.b64encode(digest).decode()}:"
            self._once(name, case, self._headers | {"Repr-Digest": told})

    def _once(self, name: str, case: Any, headers: dict[str, str]) -> None:
        response = case.call(headers=headers)
        self.asked[name] += 1
        self.answers[int(response.status_code)] += 1
        # A document cannot say which bytes are a bundle.
        free = [positive] if name.startswith("POST") else []
        try:
            case.validate_response(response, headers=headers, excluded_checks=free)
        except (Failure, FailureGroup) as exc:
            self.failed.setdefault(f"{name}: {type(exc).__name__}", str(exc)[:1500])


def main() -> int:
    """Check once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=100, help="a call and mode")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="contract-"))
    began = time.process_time()
    try:
        site, token = site_in(folder)
        found = check(site, token, chosen.examples)
        site.store.close()
    finally:
        shutil.rmtree(folder)
    document = {
        "at": _now().isoformat(timespec="seconds"),
        "schemathesis": schemathesis.SCHEMATHESIS_VERSION,
        "examples": chosen.examples,
        "cpu_s": round(time.process_time() - began, 1),
        **found,
    }
    text = json.dumps(document, indent=1) + "\n"
    print(text)
    if chosen.out:
        chosen.out.write_text(text, encoding="utf8")
    return 1 if found["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
