"""What the service answers, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

Stand = Literal["waiting", "grading", "graded", "inconclusive", "rejected", "failed"]

_SUBMISSION: Final[dict[str, Any]] = {
    "id": "s-7Q2M4KXA3BCD",
    "student": "ada",
    "round": "week-1",
    "digest": "sha256:" + "0123456789abcdef" * 4,
    "received_at": "2026-11-24T00:10:00Z",
    "new": False,
    "late_s": 0,
    "state": "graded",
    "ahead": 0,
    "message": "",
    "notes": [],
    "earned": 57.5,  # with null here, the document would leave the key out
    "points": 60.0,
    "page": "/me/submissions/s-7Q2M4KXA3BCD",
}


class Answer(BaseModel):
    """One submission as it stands."""

    model_config = ConfigDict(
        title="Submission", json_schema_extra={"examples": [_SUBMISSION]}
    )
    id: Annotated[str, Field(pattern=r"^s-[A-Z2-7]{12}$")]
    student: Annotated[str, Field(description="Whose it is: a person, or a team.")]
    round: str
    digest: Annotated[str, Field(description="Of the files; not of the upload.")]
    received_at: datetime
    new: Annotated[bool, Field(description="False: it had been handed in before.")]
    late_s: Annotated[
        int, Field(description="Seconds after the due date that holds for the student.")
    ]
    state: Stand
    ahead: Annotated[int, Field(description="How many wait before it.")]
    message: Annotated[str, Field(description="What became of it, in a sentence.")]
    notes: list[str]
    earned: float | None
    points: float | None
    page: Annotated[str, Field(description="Where a person reads about it.")]


class Answers(BaseModel):
    """Several submissions, the newest first."""

    model_config = ConfigDict(
        title="Submissions",
        json_schema_extra={"examples": [{"submissions": [_SUBMISSION]}]},
    )
    submissions: list[Answer]


class Bounds(BaseModel):
    """What may be sent."""

    model_config = ConfigDict(title="Limits")
    bytes: Annotated[int, Field(description="The largest upload.")]
    per_hour: int
    left: Annotated[int, Field(description="How many are taken now.")]


class Me(BaseModel):
    """Who asks, and what holds for them in the service's round."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "student": "ada",
                    "name": "Ada Lovelace",
                    "team": ["ada", "ben"],
                    "round": "week-1",
                    "due_at": "2026-12-01T22:59:00Z",
                    "limits": {"bytes": 52428800, "per_hour": 20, "left": 19},
                }
            ]
        }
    )
    student: str
    name: str
    team: Annotated[list[str], Field(description="Members; empty where there is none.")]
    round: str
    due_at: datetime | None
    limits: Bounds


class Health(BaseModel):
    """How the service is."""

    ok: bool
    problems: list[str]
