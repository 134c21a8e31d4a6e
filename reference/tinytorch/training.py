"""Module 08: training, the loop around everything.

You will build:

    8.1  CosineSchedule.get_lr      a smooth way down           about 3 lines
    8.2  clip_grad_norm             no step too long            about 8 lines
    8.3  Trainer.train_epoch        once through the data       about 20 lines
    8.4  Trainer.evaluate           loss and accuracy           about 12 lines
    8.5  Trainer.save_checkpoint    everything, into one file   about 5 lines
    8.6  Trainer.load_checkpoint    and back                    about 10 lines

A loader is any iterable of batches (x, y), gone through once an epoch.
x and y are Tensors or arrays with one row a sample.

Run `make test-08` after each task.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinytorch.autograd import no_grad
from tinytorch.optimizers import Optimizer
from tinytorch.tensor import Tensor

Batches = Iterable[tuple[Any, Any]]


class CosineSchedule:
    """A learning rate that falls from `max_lr` to `min_lr` along half a cosine."""

    def __init__(self, max_lr: float, min_lr: float, total_epochs: int) -> None:
        self.max_lr, self.min_lr, self.total_epochs = max_lr, min_lr, total_epochs

    def get_lr(self, epoch: int) -> float:
        """Return min_lr + (max_lr - min_lr) * (1 + cos(pi * epoch / total_epochs)) / 2.

        So get_lr(0) is max_lr and get_lr(total_epochs) is min_lr. Beyond that it stays
        min_lr.

        Example:
            >>> CosineSchedule(1.0, 0.0, 10).get_lr(5)
            0.5
        """
        share = min(epoch / self.total_epochs, 1.0)
        return self.min_lr + (self.max_lr - self.min_lr) * (
            0.5 * (1 + math.cos(math.pi * share))
        )


def clip_grad_norm(params: Iterable[Tensor], max_norm: float) -> float:
    """Scale all gradients down together so that their common norm is <= max_norm.

    The norm is the square root of the sum of the squares of all entries of all
    gradients. If it is larger than max_norm, every gradient is multiplied by
    max_norm / norm; else nothing changes. Parameters whose grad is None are skipped.

    Returns:
        The norm before clipping, a float.

    Example:
        >>> w = Tensor([0.0, 0.0], requires_grad=True)
        >>> w.grad = np.array([3, 4], dtype=np.float32)
        >>> clip_grad_norm([w], 1.0)
        5.0
        >>> w.grad
        array([0.6, 0.8], dtype=float32)
    """
    grads = [p.grad for p in params if p.grad is not None]
    norm = math.sqrt(sum(float(np.vdot(g, g)) for g in grads))
    if norm > max_norm:
        for g in grads:
            np.multiply(g, np.float32(max_norm / norm), out=g)
    return norm


class Trainer:
    """Fit a model to batches, measure it, save it.

    Args:
        model: has `parameters()`; called with x it returns what `loss_fn` takes first.
        optimizer: as in module 07.
        loss_fn: (outputs, y) -> Tensor, the mean over the samples.
        scheduler: has `get_lr(epoch)`, or None: the learning rate stays.
        grad_clip_norm: limit for `clip_grad_norm` before each step, or None.

    Attributes:
        epoch: epochs trained so far, from 0 on.
    """

    def __init__(
        self,
        model: Any,
        optimizer: Optimizer,
        loss_fn: Any,
        scheduler: Any = None,
        grad_clip_norm: float | None = None,
    ) -> None:
        self.model, self.optimizer, self.loss_fn = model, optimizer, loss_fn
        self.scheduler, self.grad_clip_norm = scheduler, grad_clip_norm
        self.epoch = 0

    def train_epoch(self, loader: Batches, accumulation_steps: int = 1) -> float:
        """Train on every batch of `loader` once and return the mean loss per sample.

        In this order: the model is switched to training (where it has `train`); with a
        scheduler, `optimizer.lr` becomes get_lr(epoch); old gradients are forgotten.
        For each batch: outputs, loss, backward. After every `accumulation_steps`
        batches: the gradients, summed by backward, are divided by accumulation_steps,
        clipped if `grad_clip_norm` is given, and the optimizer steps; then they are
        forgotten. Batches left over at the end make a step too (their gradients divided
        by accumulation_steps or by their number, either). Last, `epoch` grows by 1.

        Returns:
            The loss of each batch, weighted by its number of samples, divided by the
            number of all samples: a float. Batches may differ in size.
        """
        if hasattr(self.model, "train"):
            self.model.train()
        if self.scheduler is not None:
            self.optimizer.lr = self.scheduler.get_lr(self.epoch)
        self.optimizer.zero_grad()
        total, samples, waiting = 0.0, 0, 0
        for x, y in loader:
            loss = self.loss_fn(self.model(_tensor(x)), y)
            loss.backward()
            total += loss.item() * len(_array(x))
            samples += len(_array(x))
            waiting += 1
            if waiting == accumulation_steps:
                self._step(waiting)
                waiting = 0
        if waiting:
            self._step(waiting)
        self.epoch += 1
        return total / samples

    def _step(self, batches: int) -> None:
        """Given: average the gradients of `batches`, clip, step, forget them."""
        params = self.optimizer.params
        if batches > 1:
            for p in params:
                if p.grad is not None:
                    p.grad /= np.float32(batches)
        if self.grad_clip_norm is not None:
            clip_grad_norm(params, self.grad_clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()

    def evaluate(self, loader: Batches) -> tuple[float, float]:
        """Return the mean loss per sample and the accuracy; train nothing.

        The model is switched to evaluation (where it has `eval`), and back afterwards
        or not, either; nothing is tracked (`no_grad`), and no parameter or gradient
        changes.

        Accuracy is the share of right answers, from 0 to 1. If y has one axis less than
        the outputs, it holds class ids, and the answer is the class of the largest
        output. Else the outputs are probabilities and y holds 0 and 1: an answer is
        right if both lie on the same side of 0.5, and every entry counts.
        """
        if hasattr(self.model, "eval"):
            self.model.eval()
        total, right, answers, samples = 0.0, 0, 0, 0
        for x, y in loader:
            with no_grad():
                outputs = self.model(_tensor(x))
                loss = self.loss_fn(outputs, y)
            hits = _hits(outputs.data, _array(y))
            total += loss.item() * len(_array(x))
            samples += len(_array(x))
            right, answers = right + int(hits.sum()), answers + hits.size
        return total / samples, right / answers

    def save_checkpoint(self, path: str | Path) -> None:
        """Write everything that training needs to go on into the file `path`.

        That is: the model's parameters and buffers, the state of the optimizer, the
        scheduler's numbers and `epoch`: `self._arrays()` has them all. The format is
        npz (np.savez into an open file, so that the name stays as given), without
        pickle. A model that is loaded again and trained on, with the same batches,
        equals one that was never saved.
        """
        with Path(path).open("wb") as file:
            np.savez(file, **self._arrays())  # type: ignore[arg-type]

    def load_checkpoint(self, path: str | Path) -> None:
        """Take over everything that `save_checkpoint` wrote, into the same objects.

        `read_arrays(path)` gives the arrays by name; nothing in the file is executed,
        so no pickle. The model, optimizer and scheduler of this trainer keep their
        identity; only their numbers change.

        Raises:
            ValueError: the file is of another model: a parameter is missing or has
                another shape. The message names both shapes where there are two.
        """
        arrays = read_arrays(path)
        for name, tensor in self._tensors().items():
            saved = arrays.get(name)
            if saved is None or saved.shape != tensor.shape:
                shape = "nothing" if saved is None else saved.shape
                msg = f"checkpoint has {shape} for {name} of shape {tensor.shape}"
                raise ValueError(msg)
        for name, tensor in self._tensors().items():
            tensor.data[...] = arrays[name]
        self.optimizer.load_state(_under("optimizer.", arrays))
        for name, number in _under("scheduler.", arrays).items():
            setattr(self.scheduler, name, number.item())
        self.epoch = int(arrays["epoch"])

    def _tensors(self) -> dict[str, Tensor]:
        """Given: name the model's parameters and buffers."""
        named = {f"parameter.{i}": p for i, p in enumerate(self.model.parameters())}
        buffers = self.model.buffers() if hasattr(self.model, "buffers") else []
        return named | {f"buffer.{i}": b for i, b in enumerate(buffers)}

    def _arrays(self) -> dict[str, NDArray[Any]]:
        """Given: return all that a checkpoint holds, by name."""
        arrays: dict[str, NDArray[Any]] = {"epoch": np.array(self.epoch)}
        arrays |= {name: t.data for name, t in self._tensors().items()}
        arrays |= {f"optimizer.{k}": a for k, a in self.optimizer.state().items()}
        numbers = vars(self.scheduler) if self.scheduler is not None else {}
        return arrays | {f"scheduler.{k}": np.array(v) for k, v in numbers.items()}


def _hits(outputs: NDArray[Any], y: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which answers are right; `evaluate` says what right means."""
    if y.ndim == outputs.ndim - 1:
        hits: NDArray[np.bool_] = outputs.argmax(axis=-1) == y
        return hits
    sides: NDArray[np.bool_] = (outputs > 0.5) == (y > 0.5)
    return sides


# Given: helpers.


def read_arrays(path: str | Path) -> dict[str, NDArray[Any]]:
    """Return the arrays in an npz file by name; nothing in it is ever executed."""
    found: dict[str, NDArray[Any]] = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as file:
                array = np.lib.format.read_array(file, allow_pickle=False)
                found[name.removesuffix(".npy")] = array
    return found


def _under(prefix: str, arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Given: return the arrays whose name starts with `prefix`, without it."""
    return {k[len(prefix) :]: a for k, a in arrays.items() if k.startswith(prefix)}


def _tensor(x: Any) -> Tensor:
    """Given: return a Tensor of what a loader gives."""
    return x if isinstance(x, Tensor) else Tensor(x)


def _array(x: Any) -> NDArray[Any]:
    """Given: return the array in what a loader gives."""
    return x.data if isinstance(x, Tensor) else np.asarray(x)
