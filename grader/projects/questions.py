"""What a draw trains on, what it is asked, and the answers that stay here.

The round's seed decides which part is held out, so nobody can know it beforehand. A
data set of the course is split, renamed and moved as in the milestones. Of a text, the
character after each window is asked; windows do not touch and come in random order, so
that no answer stands in a question.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from grader import datasets
from grader.models.capstone import Capstone
from grader.models.course import ProjectLimits
from grader.models.project import DataFacts
from grader.projects.own_data import Examples, Text, read_examples, read_text, refused

HELD_OUT, VALIDATION = 0.2, 0.1
CONTEXT: Final = 32  # characters of a window; the next one is asked
PROBE: Final = 512  # questions for a point of the learning curve


@dataclass(frozen=True)
class Questions:
    """One draw of the data.

    Shapes: x (n, ...), answers (n,) class ids or (n, k) numbers

    Attributes:
        train: what the script gets, by name: plain arrays and values.
        val_x, val_y: for the learning curve; test_x, test_y: for the metric.
        classes: how many there are; of a text, characters; 0: answers are numbers.
    """

    train: Mapping[str, Any]
    val_x: NDArray[Any]
    val_y: NDArray[Any]
    test_x: NDArray[Any]
    test_y: NDArray[Any]
    classes: int
    digest: str
    facts: DataFacts


class Source:
    """The data of one project, read once and drawn from often.

    Raises:
        SubmissionRejectedError: the project's own data are not what is declared.
        ConfigError: a data set of the course is not there.
    """

    def __init__(
        self,
        declared: Capstone,
        files: Mapping[str, bytes],
        limits: ProjectLimits,
        roots: Sequence[Path],
    ) -> None:
        self._declared, self._roots = declared, roots
        self._own: Examples | Text | None = None
        path = declared.data.file
        if path is not None:
            self._data = files[path]
            self._own = _read(declared, path, self._data, limits)

    def draw(self, seed: int) -> Questions:
        """Return the questions of one draw; same seed, same questions."""
        match self._own:
            case Examples() as examples:
                return self._examples(examples, seed)
            case Text() as text:
                return self._text(text, seed)
            case None:
                return self._course(seed)

    def _examples(self, own: Examples, seed: int) -> Questions:
        test, val, train = _parts(len(own.x), seed)
        given = {"x": own.x[train], "y": own.y[train]}
        return Questions(
            train=given | ({"classes": own.classes} if own.classes else {}),
            val_x=own.x[val][:PROBE],
            val_y=own.y[val][:PROBE],
            test_x=own.x[test],
            test_y=own.y[test],
            classes=own.classes,
            digest=_digest(self._data),
            facts=self._facts(len(train), len(test)),
        )

    def _text(self, own: Text, seed: int) -> Questions:
        """Hold out one stretch of the text, at a place that the seed decides."""
        size, held = len(own.ids), int(len(own.ids) * (HELD_OUT + VALIDATION))
        start = int(np.random.default_rng(seed).integers(size - held))
        kept = np.concatenate([own.ids[:start], own.ids[start + held :]])
        cut = start + int(size * VALIDATION)
        parts = (own.ids[start:cut], own.ids[cut : start + held])
        return self._windows(kept, parts, own.alphabet, seed, _digest(self._data))

    def _windows(
        self,
        train: NDArray[Any],
        parts: Sequence[NDArray[Any]],
        alphabet: str,
        seed: int,
        digest: str,
    ) -> Questions:
        (val_x, val_y), (test_x, test_y) = (windows(part, seed) for part in parts)
        return Questions(
            train={"x": train, "alphabet": alphabet, "context": CONTEXT},
            val_x=val_x[:PROBE],
            val_y=val_y[:PROBE],
            test_x=test_x,
            test_y=test_y,
            classes=len(alphabet),
            digest=digest,
            facts=self._facts(len(train), len(test_y)),
        )

    def _course(self, seed: int) -> Questions:
        name = str(self._declared.data.set)
        loaded = datasets.load(name, root=self._roots, seed=seed, compact=True)
        data = datasets.renamed(loaded, seed)
        title = f"{data.title} ({data.origin})"
        if data.alphabet:
            parts = (data.val_x.reshape(-1), data.test_x.reshape(-1))
            found = self._windows(data.train_x, parts, data.alphabet, seed, data.digest)
            return _titled(found, title)
        found = Questions(
            train={"x": data.train_x, "y": data.train_y, "classes": data.classes},
            val_x=data.val_x[:PROBE],
            val_y=data.val_y[:PROBE],
            test_x=datasets.shifted(data.test_x, seed),
            test_y=data.test_y,
            classes=data.classes,
            digest=data.digest,
            facts=self._facts(len(data.train_x), len(data.test_x)),
        )
        return _titled(found, title)

    def _facts(self, train: int, held_out: int) -> DataFacts:
        declared = self._declared.data
        return DataFacts(
            title=declared.file or str(declared.set),
            own=declared.file is not None,
            size_bytes=len(self._data) if declared.file else None,
            train=train,
            held_out=held_out,
        )


def windows(ids: NDArray[Any], seed: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return windows in random order, and the id after each, which is in none.

    Shapes: ids (n,) -> (w, CONTEXT), (w,)
    """
    width = CONTEXT + 1
    rows = ids[: len(ids) // width * width].reshape(-1, width)
    rows = rows[np.random.default_rng(seed).permutation(len(rows))]
    return np.ascontiguousarray(rows[:, :-1]), rows[:, -1].astype(np.int64)


def _read(
    declared: Capstone, path: str, data: bytes, limits: ProjectLimits
) -> Examples | Text:
    said = declared.data
    if len(data) != said.size_bytes or _digest(data) != f"sha256:{said.sha256}":
        hint = f"It has {len(data)} bytes and the sha256 {_digest(data)[7:]}."
        raise refused(path, "it is not the file that capstone.toml names", hint)
    if said.is_text:
        return read_text(path, data)
    classes = declared.metric.name != "mean squared error"
    return read_examples(path, data, classes=classes, most=limits.data_bytes)


def _parts(count: int, seed: int) -> Sequence[NDArray[np.int64]]:
    """Return the places of the held-out part, of the validation part and of the rest.

    Shapes: (t,), (v,), (r,) with t + v + r = count
    """
    order = np.random.default_rng(seed).permutation(count)
    test = int(count * HELD_OUT)
    return np.split(order, (test, test + int(count * VALIDATION)))


def _titled(found: Questions, title: str) -> Questions:
    facts = DataFacts(**(dict(found.facts) | {"title": title}))
    return Questions(**(vars(found) | {"facts": facts}))


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
