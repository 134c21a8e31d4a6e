"""Language models, judged by nats per character and by what they write.

The unseen text is asked about in whole windows, so a model could read the next
character out of the window itself. The reference, which is causal, computes the same
from the same parameters: of both answers the worse one counts, character by character.
Text is written by the reference with the trained parameters, a character at a time.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from grader.training.coherence import longest_repeat, share_of_words, words
from grader.training.driver import Arrays, Driver
from grader.training.exam import Exam, Outputs
from grader.training.replay import Replay, close, same_shape
from grader.training.requirements import (
    AGREEING,
    SAME_ANSWERS,
    at_least,
    number_at_least,
    number_at_most,
)

WORST_NATS: Final = 99.0  # of one character; also where an output is not a number
TEXTS: Final = 4
CHARACTERS: Final = 256  # of each text
TEMPERATURE: Final = 0.8
SAMPLE_LINES: Final = 8


def nats_of(outputs: Outputs, labels: NDArray[Any]) -> NDArray[np.float64]:
    """Return -log softmax(outputs) of the right character, for every place.

    Shapes: (n, t, k), (n, t) -> (n, t)
    """
    found = np.empty(labels.shape)
    for row, (logits, right) in enumerate(zip(outputs, labels, strict=True)):
        with np.errstate(all="ignore"):
            shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
            total = np.log(np.exp(shifted).sum(axis=-1))
            found[row] = total - np.take_along_axis(shifted, right[:, None], -1)[:, 0]
    return np.clip(np.nan_to_num(found, nan=WORST_NATS), 0.0, WORST_NATS)


def unigram_nats(train: NDArray[Any], unseen: NDArray[Any], classes: int) -> float:
    """Return the nats of a model that knows only how often each character occurs."""
    counts = np.bincount(train, minlength=classes) + 1.0
    return float(np.mean(-np.log(counts / counts.sum())[unseen]))


class Language:
    """Nats per character; the fewer the better."""

    probe: int = 32  # windows

    def places(self, x: NDArray[Any]) -> int:
        """Return how many characters a window has."""
        return int(x.shape[1])

    def score(self, outputs: Outputs, labels: NDArray[Any]) -> float:
        """Return the mean nats per character."""
        if outputs.shape[-1] <= labels.max():
            return WORST_NATS
        return float(np.mean(nats_of(outputs, labels)))

    def shown(self, score: float) -> str:
        """Return "1.832 nats per character"."""
        return f"{score:.3f} nats per character"

    def judge(self, exam: Exam) -> Arrays | None:
        """Judge the trained model on unseen text, and what it writes."""
        attempt, trained, data = exam.attempt, exam.trained, exam.attempt.data
        x, y = data.test_x, data.test_y
        outputs = exam.driver.predict(x, self.places(x))
        model = exam.replay.given(exam.driver.parameters())
        again = exam.replay.predict(model, x, self.places(x))
        same_shape(outputs, again)
        trained.replayed = close(outputs, again)
        worse = np.maximum(nats_of(outputs, y), nats_of(again, y))
        trained.metric = round(float(np.mean(worse)), 4)
        needed = trained.requirements
        knows_letters = unigram_nats(data.train_x, data.val_y, data.classes)
        name = "nats of the untrained model, no less than of letter counts"
        needed.append(number_at_least(name, exam.untrained, round(knows_letters, 2)))
        name = f"nats per character on {y.size:,} unseen characters"
        needed.append(number_at_most(name, trained.metric, attempt.profile.target))
        same = np.mean(outputs.argmax(axis=-1) == again.argmax(axis=-1))
        needed.append(at_least(SAME_ANSWERS, float(same), AGREEING))
        texts = written(exam.replay, model, exam)
        trained.sample = "\n".join(texts[0].strip().split("\n")[:SAMPLE_LINES])
        self._coherent(exam, texts)
        return None

    def _coherent(self, exam: Exam, texts: list[str]) -> None:
        data, bounds = exam.attempt.data, exam.attempt.profile.bounds
        known = set(words("".join(data.alphabet[i] for i in data.train_x)))
        share = float(np.mean([share_of_words(text, known) for text in texts]))
        repeat = max(longest_repeat(text) for text in texts)
        needed = exam.trained.requirements
        name = "words of its text that the training text has"
        needed.append(at_least(name, share, bounds["known_words"]))
        name = f"longest passage twice in {CHARACTERS} characters it wrote"
        needed.append(number_at_most(name, repeat, bounds["longest_repeat"]))

    def judge_loaded(self, driver: Driver, saved: Arrays, exam: Exam) -> None:
        """Nothing is saved."""


def written(replay: Replay, model: Driver, exam: Exam) -> list[str]:
    """Return texts that the model writes, character by character, drawn by us."""
    data, rng = exam.attempt.data, np.random.default_rng(exam.attempt.seed)
    context = data.test_x.shape[1]
    ids = np.full((TEXTS, 1), data.alphabet.index("\n"), np.uint8)
    for _ in range(CHARACTERS):
        window = ids[:, -context:]
        logits = replay.predict(model, window, window.shape[1])[:, -1]
        noise = rng.gumbel(size=logits.shape)  # the largest is a draw from softmax
        chosen = np.argmax(np.nan_to_num(logits) / TEMPERATURE + noise, axis=-1)
        ids = np.concatenate([ids, chosen[:, None].astype(np.uint8)], axis=1)
    return ["".join(data.alphabet[i] for i in row[1:]) for row in ids]
