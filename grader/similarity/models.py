"""What `grader compare` found; evidence to look at, not a verdict."""

from __future__ import annotations

from pydantic import Field

from grader.models.base import Model


class Passage(Model):
    """A run of equal tokens: rows of both files, counted from 1, both ends included."""

    tokens: int
    a_first: int
    a_last: int
    b_first: int
    b_last: int


class FilePair(Model):
    """Two files of two students.

    Attributes:
        a_in_b: share of the fingerprints of `file_a` that `file_b` has too; what was
            given, and what much of the class has, does not count.
        shared: how many fingerprints both have.
        longest_run: tokens of the longest passage.
    """

    file_a: str
    file_b: str
    a_in_b: float = Field(ge=0, le=1)
    b_in_a: float = Field(ge=0, le=1)
    shared: int
    longest_run: int
    passages: tuple[Passage, ...]  # longest first


class StudentPair(Model):
    """Two students; `weight` is what pairs are ranked by.

    It is the sum over `files` of the shared fingerprints times the larger share, so
    that long passages count more than short ones, and whole files more than parts.
    """

    a: str
    b: str
    weight: float
    files: tuple[FilePair, ...]  # most shared first


class Note(Model):
    """What was left out or read differently, and why."""

    student: str
    path: str = ""
    text: str


class Comparison(Model):
    """All pairs above the bar, strongest first, and what they were drawn from."""

    students: int
    files: int
    least: float
    common: float
    common_from: int  # students who have a fingerprint that does not count
    found: int  # pairs of students above the bar; `pairs` are the first of them
    pairs: tuple[StudentPair, ...]
    notes: tuple[Note, ...] = ()
