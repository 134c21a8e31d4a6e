"""How far training is: a line that moves on a terminal, plain lines anywhere else."""

from __future__ import annotations

import os
import shutil
import time
from typing import Final, TextIO

import numpy as np

from milestones import units
from milestones.script import Facts
from milestones.tasks import Task

_TERMINAL_S: Final = 0.1  # between two updates of the moving line
_PLAIN_S: Final = 30.0  # between two plain lines within an epoch
_CLEAR: Final = "\r\x1b[K"


class Progress:
    """Shows one run; `log` is what the script's `train` calls.

    Each finished epoch leaves a line. In between there is, on a terminal, one line
    that is written over; elsewhere (a file, a CI log) a plain line now and then.
    """

    def __init__(self, task: Task, epochs: int, out: TextIO) -> None:
        self._task, self._epochs, self._out = task, epochs, out
        self._moves = out.isatty() and os.environ.get("TERM") != "dumb"
        self._started = self._shown = time.perf_counter()
        self._loss = float("nan")
        self.done: list[Facts] = []

    def log(
        self,
        loss: float | None = None,
        step: int | None = None,
        steps: int | None = None,
        **_more: object,
    ) -> None:
        """Take note of a loss, or of a step within an epoch."""
        if loss is not None:
            self._loss = float(loss)
        now = time.perf_counter()
        pause = _TERMINAL_S if self._moves else _PLAIN_S
        if step is None or not steps or now - self._shown < pause:
            return
        self._shown = now
        words = [f"epoch {len(self.done) + 1:2}/{self._epochs}  step {step}/{steps}"]
        if np.isfinite(self._loss):
            words.append(f"loss {self._loss:.4f}")
        if self.done:
            words.append(_metric(self.done[-1], self._task))
        self._show("  ".join([*words, *self._rest(step / steps)]))

    def finish_epoch(self, metric: float, train_s: float) -> None:
        """Keep and print what one epoch came to.

        Args:
            metric: on the validation part.
            train_s: seconds of training so far, without judging.
        """
        elapsed_s = time.perf_counter() - self._started
        count = len(self.done) + 1
        self.done.append(
            {
                "epoch": count,
                "epochs": self._epochs,
                "loss": self._loss if np.isfinite(self._loss) else None,
                self._task.metric: metric,
                "train_s": train_s,
                "elapsed_s": elapsed_s,
                "eta_s": elapsed_s / count * (self._epochs - count),
                "rss_bytes": units.resident_bytes(),
            }
        )
        self.end_line()
        print(epoch_line(self.done[-1], self._task), file=self._out, flush=True)
        self._shown = time.perf_counter()

    def end_line(self) -> None:
        """Take the moving line away."""
        if self._moves:
            print(_CLEAR, end="", file=self._out, flush=True)

    def _rest(self, share: float) -> list[str]:
        """Return elapsed and remaining time, and memory; `share` is of this epoch."""
        elapsed_s = time.perf_counter() - self._started
        done = len(self.done) + share
        left = units.clock(elapsed_s / done * (self._epochs - done))
        return [units.clock(elapsed_s), f"ETA {left}", *_memory()]

    def _show(self, line: str) -> None:
        if self._moves:
            width = shutil.get_terminal_size().columns - 1
            print(_CLEAR + line[:width], end="", file=self._out, flush=True)
        else:
            print(line, file=self._out, flush=True)


def epoch_line(epoch: Facts, task: Task) -> str:
    """Return the line that a finished epoch leaves."""
    words = [
        f"epoch {epoch['epoch']:2}/{epoch['epochs']}",
        "loss nan" if epoch["loss"] is None else f"loss {epoch['loss']:.4f}",
        _metric(epoch, task),
        units.clock(epoch["elapsed_s"]),
        f"ETA {units.clock(epoch['eta_s'])}",
    ]
    if epoch["rss_bytes"] is not None:
        words.append(f"RSS {units.size(epoch['rss_bytes'])}")
    return "  ".join(words)


def _metric(epoch: Facts, task: Task) -> str:
    return f"{task.short} {epoch[task.metric]:{task.form}}"


def _memory() -> list[str]:
    count = units.resident_bytes()
    return [] if count is None else [f"RSS {units.size(count)}"]
