"""What a student declares of a project: the grammar of `capstone.toml`.

Texts are a stranger's: one line each, of bounded length, without control, invisible or
direction characters. Every surface escapes them for itself.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from grader.models.base import Model

# Computed by us from predictions; every other metric is what the submission reports.
Measured = Literal["accuracy", "mean squared error", "nats per token"]
HIGHER_IS_BETTER: Final[dict[str, bool]] = {
    "accuracy": True,
    "mean squared error": False,
    "nats per token": False,
}
CourseSet = Literal[
    "clouds", "xor", "digits", "mnist", "cifar10", "sonnets", "shakespeare"
]
TEXTS: Final = ("sonnets", "shakespeare")
# As in names of files: control, format, surrogate, private, unassigned, separators.
REFUSED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def _one_line(text: str) -> str:
    """Return `text` without blanks around it.

    Raises:
        ValueError: it has a line break, or a character that cannot be seen.
    """
    if any(unicodedata.category(char) in REFUSED for char in text):
        msg = "must be one line, without control or invisible characters"
        raise ValueError(msg)
    if not text.strip():
        msg = "must not be empty"
        raise ValueError(msg)
    return text.strip()


Short = Annotated[str, Field(max_length=40), AfterValidator(_one_line)]
Title = Annotated[str, Field(max_length=80), AfterValidator(_one_line)]
Words = Annotated[str, Field(max_length=300), AfterValidator(_one_line)]
Summary = Annotated[str, Field(max_length=600), AfterValidator(_one_line)]
# Directly in `entry/`, with a plain name: nothing leads out of it.
ScriptPath = Annotated[
    str, Field(pattern=r"^entry/[A-Za-z0-9_][A-Za-z0-9_]{0,60}\.py$")
]
DataPath = Annotated[
    str, Field(pattern=r"^entry/[A-Za-z0-9_][A-Za-z0-9_-]{0,60}\.(npz|csv|txt)$")
]
Value = Annotated[float, Field(ge=-1e12, le=1e12)]


class Script(Model):
    """The file that trains, and its function that makes the model."""

    file: ScriptPath
    build: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,60}$")] = "build"


class Data(Model):
    """A data set of the course by name, or a file of the submission.

    Attributes:
        set: name of the course's data set.
        file: in `entry/`: .npz (arrays `x` and `y`), .csv (last column: the answer) or
            .txt (UTF-8).
        source: where the file's data is from, or how it was made.
        sha256: of the file, in hexadecimal digits.
    """

    set: CourseSet | None = None
    file: DataPath | None = None
    source: Words | None = None
    licence: Title | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    size_bytes: Annotated[int, Field(gt=0, le=2**30)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.set is None) == (self.file is None):
            msg = "name either `set`, a data set of the course, or `file`, your own"
            raise ValueError(msg)
        own = ("source", "licence", "sha256", "size_bytes")
        if self.file is not None:
            missing = [name for name in own if getattr(self, name) is None]
            if missing:
                msg = f"your own data also needs {', '.join(missing)}"
                raise ValueError(msg)
        return self

    @property
    def is_text(self) -> bool:
        """Whether it is a text to learn from, not examples with answers."""
        return self.set in TEXTS or (self.file or "").endswith(".txt")


class Metric(Model):
    """What the project is judged by, and what the student says it reaches.

    Attributes:
        name: "accuracy", "mean squared error" and "nats per token" are measured from
            predictions; any other is shown as reported by the submission.
        better: needed for a metric of the student's own.
        claimed: in the metric's own unit; an accuracy lies between 0 and 1.
    """

    name: Short
    unit: Annotated[str, Field(max_length=20)] = ""
    better: Literal["higher", "lower"] | None = None
    claimed: Value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        known = HIGHER_IS_BETTER.get(self.name)
        if known is None and self.better is None:
            msg = 'a metric of your own needs better = "higher" or "lower"'
            raise ValueError(msg)
        if known is not None and self.better not in (None, _word(higher=known)):
            msg = f"of {self.name}, {_word(higher=known)} is better"
            raise ValueError(msg)
        if self.name == "accuracy" and not 0 <= self.claimed <= 1:
            msg = "an accuracy lies between 0 and 1; write 0.97 for 97 %"
            raise ValueError(msg)
        if known is False and self.claimed < 0:
            msg = f"{self.name} is never negative"
            raise ValueError(msg)
        if self.unit:
            _one_line(self.unit)
        return self

    @property
    def measured(self) -> bool:
        """Whether we compute it ourselves."""
        return self.name in HIGHER_IS_BETTER

    @property
    def higher_is_better(self) -> bool:
        """The direction of progress."""
        return HIGHER_IS_BETTER.get(self.name, self.better == "higher")


def _word(*, higher: bool) -> str:
    return "higher" if higher else "lower"


class Budget(Model):
    """What one training with its predictions may cost on the standard machine."""

    cpu_s: Annotated[float, Field(gt=0, le=100_000)]
    memory_bytes: Annotated[int, Field(ge=2**20, le=2**40)]  # above an idle sandbox


class Capstone(Model):
    """All of `capstone.toml`. Nobody is named in it: the course knows whose it is."""

    title: Title
    summary: Summary
    task: Words
    script: Script
    data: Data
    metric: Metric
    budget: Budget

    @model_validator(mode="after")
    def _metric_fits_the_data(self) -> Self:
        text = self.data.is_text
        if self.metric.name == "nats per token" and not text:
            msg = "nats per token is measured on a text: a .txt file, or sonnets"
            raise ValueError(msg)
        if self.metric.name in ("accuracy", "mean squared error") and text:
            msg = f"{self.metric.name} needs examples with answers, not a text"
            raise ValueError(msg)
        if self.metric.name == "mean squared error" and self.data.set is not None:
            msg = "the course's data sets have classes: their metric is accuracy"
            raise ValueError(msg)
        return self
