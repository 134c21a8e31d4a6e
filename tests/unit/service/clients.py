"""A client of the API, and bundles to hand in."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any, Final

import httpx2 as httpx
from fastapi import FastAPI
from fastapi.testclient import TestClient
from reports.samples import good, report

from grader.intake import open_bytes, pack
from grader.intake.bundle import digest_of
from grader.models.report import GradeReport
from grader.models.submission import SourceFile, Submission
from grader.service import Site
from grader.service.bases import Bases
from grader.store.access import Who

PATH: Final = "/api/v1/submissions"


class Place:
    """Where the course is."""

    COURSE: Final = Path(__file__).resolve().parents[3]


class FixedBases(Bases):
    """A basis that needs no wall and no suites."""

    def of(self, round_: str) -> str:
        return f"basis of {round_}"


class Client(TestClient):
    """A client that knows how to hand in."""

    def __init__(self, app: FastAPI, site: Site) -> None:
        super().__init__(app, raise_server_exceptions=False)
        self.site = site

    def token(self, student: str, role: Any = "student") -> str:
        return self.site.store.access.issue("token", Who(role, student))

    def of(self, token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"}

    def hand_in(
        self,
        token: str,
        data: bytes,
        *,
        round_: str = "",
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        sent = self.of(token) | {"Repr-Digest": repr_digest(data)} | (headers or {})
        params = {"round": round_} if round_ else {}
        return self.post(PATH, content=data, headers=sent, params=params)


def repr_digest(data: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


def bundle(student: str = "", *, text: str = "x = 1\n", round_: str = "") -> bytes:
    files = (SourceFile(path="tinytorch/a.py", data=text.encode()),)
    made = Submission(
        label="", student=student, round=round_, digest=digest_of(files), files=files
    )
    return pack(made)


def graded(site: Site, student: str, data: bytes, **more: Any) -> GradeReport:
    """Grade what waits first as a worker would, with a report of our own."""
    job = site.store.jobs.lease_received("worker")
    assert job is not None
    assert job.student == student
    made = result_of(student, data, **more)
    assert site.store.jobs.accept(job.key, "worker", made)
    return made


def result_of(student: str, data: bytes, **more: Any) -> GradeReport:
    made = report(student, modules=good(), milestones=())
    digest = open_bytes(data, label="").digest
    verdict = dict(made.verdict) | {"submission": digest, "round": "one"} | more
    whole = dict(made) | {"verdict": type(made.verdict).model_validate(verdict)}
    return GradeReport.model_validate(whole)
