"""Module 17: compression, fewer weights for nearly the same answers.

You will build:

    17.1  measure_sparsity        how many weights are zero   about 3 lines
    17.2  magnitude_prune         single weights              about 8 lines
    17.3  structured_prune        whole units                 about 10 lines
    17.4  low_rank_approximate    two thin matrices           about 5 lines
    17.5  KnowledgeDistillation   a small model taught        about 10 lines

"Weights" are the parameters with two or more axes; biases are none. `_weights(model)`
gives them, `_unit_layers(model)` the layers with output units. Pruning changes the
arrays of the model in place; what it returns is left open.

Run `make test-17` after each task.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tinytorch.autograd import no_grad
from tinytorch.base import Array
from tinytorch.layers import Layer, Linear
from tinytorch.losses import CrossEntropyLoss, log_softmax
from tinytorch.tensor import Tensor


def measure_sparsity(model: Any) -> float:
    """Return the share of zeros among all weights of `model`, from 0 to 1.

    Weights are the parameters with two or more axes; biases do not count. Without any
    weight the result is 0.0.

    Example:
        >>> layer = Linear(2, 2)
        >>> layer.weight.data = np.array([[1, 0], [2, 3]], dtype=np.float32)
        >>> measure_sparsity(layer)
        0.25
    """
    weights = [w.data for w in _weights(model)]
    total = sum(w.size for w in weights)
    left = sum(int(np.count_nonzero(w)) for w in weights)
    return (total - left) / total if total else 0.0


def magnitude_prune(model: Any, sparsity: float) -> None:
    """Set the weights with the smallest absolute values to zero.

    With n weights in the whole model, sparsity * n of them are zero afterwards, to
    within one entry; those that were zero before count too. Which ones is decided among
    the weights of all layers together, not layer by layer; of equal absolute values
    any may go first, but never more than are needed. All other weights, and all
    biases, keep their values.

    Raises:
        ValueError: sparsity is not in the range 0 <= sparsity <= 1.

    Example:
        >>> layer = Linear(2, 2)
        >>> layer.weight.data = np.array([[1, -4], [3, -2]], dtype=np.float32)
        >>> magnitude_prune(layer, 0.5)
        >>> layer.weight.data
        array([[ 0., -4.],
               [ 3.,  0.]], dtype=float32)
    """
    _check_share(sparsity)
    weights = [w.data for w in _weights(model)]
    if not weights:
        return
    sizes = np.abs(np.concatenate([w.ravel() for w in weights]))
    keep = np.ones(sizes.size, dtype=bool)
    keep[np.argsort(sizes)[: round(sparsity * sizes.size)]] = False
    ends = np.cumsum([w.size for w in weights])[:-1]
    for w, mask in zip(weights, np.split(keep, ends), strict=True):
        w[~mask.reshape(w.shape)] = 0


def structured_prune(model: Any, ratio: float) -> None:
    """Set whole output units to zero: the same share of units in every layer.

    An output unit of a Linear layer is a column of its weight (in, out) with its entry
    of the bias; one of a Conv2d layer is weight[i] with bias[i]. In each of these
    layers, wherever it stands in the model, the int(ratio * out) units whose weights
    have the smallest Euclidean norm become zero, biases too. All others keep their
    values.

    Raises:
        ValueError: ratio is not in the range 0 <= ratio <= 1.

    Example:
        >>> layer = Linear(2, 2)
        >>> layer.weight.data = np.array([[1, 3], [2, 0]], dtype=np.float32)
        >>> structured_prune(layer, 0.5)
        >>> layer.weight.data
        array([[0., 3.],
               [0., 0.]], dtype=float32)
    """
    _check_share(ratio)
    for layer in _unit_layers(model):
        weight = layer.weight.data
        units = weight.T if weight.ndim == 2 else weight  # a view: one row a unit
        norms = np.square(units).reshape(len(units), -1).sum(axis=1)
        weakest = np.argsort(norms)[: int(ratio * len(units))]
        units[weakest] = 0
        if layer.bias is not None:
            layer.bias.data[weakest] = 0


def low_rank_approximate(
    W: Tensor | ArrayLike,  # noqa: N803 -- the mathematical name
    rank_ratio: float,
) -> tuple[Array, Array, Array]:
    """Return (U, S, Vt) so that U @ diag(S) @ Vt is nearly W, a matrix (m, n).

    The rank is k = max(1, int(rank_ratio * min(m, n))). S holds the k largest singular
    values of W, the largest first; U has orthonormal columns, Vt orthonormal rows. No
    matrix of rank k is nearer to W (Eckart and Young 1936): the squared distance is the
    sum of the squares of the singular values left out. W is a Tensor or an array and
    stays as it is; the results are float32 arrays.

    Shapes: W (m, n) -> U (m, k), S (k,), Vt (k, n)

    Example:
        >>> U, S, Vt = low_rank_approximate([[3.0, 0.0], [0.0, 4.0]], 0.5)
        >>> S
        array([4.], dtype=float32)
    """
    matrix = W.data if isinstance(W, Tensor) else np.asarray(W, dtype=np.float32)
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    k = max(1, int(rank_ratio * min(matrix.shape)))
    return left[:, :k].copy(), values[:k].copy(), right[:k].copy()


class KnowledgeDistillation:
    """The loss with which a student learns from a teacher (Hinton et al. 2015).

    Args:
        teacher: a trained model: inputs -> logits (n, c).
        student: the model to be trained, likewise.
        temperature: what both logits are divided by in the comparison; 3 if not given.
        alpha: share of the comparison in the loss, 0.5 if not given; the rest is for
            the targets.
    """

    def __init__(
        self, teacher: Any, student: Any, temperature: float = 3.0, alpha: float = 0.5
    ) -> None:
        self.teacher, self.student = teacher, student
        self.temperature, self.alpha = temperature, alpha

    def __call__(self, inputs: Tensor, targets: Tensor | ArrayLike) -> Tensor:
        return self.forward(inputs, targets)

    def forward(self, inputs: Tensor, targets: Tensor | ArrayLike) -> Tensor:
        """Return alpha * T^2 * KL + (1 - alpha) * CE, the loss of the student.

        T is the temperature. With p = softmax(teacher's logits / T) and
        q = softmax(student's logits / T), KL is the sum over the classes of
        p * (log p - log q), averaged over the n rows. CE is the CrossEntropyLoss of the
        student's logits, not divided by T, and the targets, class ids. Build on
        log_softmax: finite for logits up to +-1e3.

        The gradient reaches the student only. The teacher runs in evaluation mode
        (where it has `eval`) and is not tracked; the student's mode stays as it is.

        Shapes: inputs (n, ...), targets (n,) -> ()

        Example:
            >>> model = Linear(2, 3)
            >>> distillation = KnowledgeDistillation(model, model, alpha=1.0)
            >>> distillation(Tensor([[1.0, 2.0]]), [0]).item()
            0.0
        """
        if hasattr(self.teacher, "eval"):
            self.teacher.eval()
        with no_grad():
            wanted = log_softmax(self.teacher(inputs) / self.temperature)
        logits = self.student(inputs)
        found = log_softmax(logits / self.temperature)
        kl = (wanted.exp() * (wanted - found)).sum() / len(logits.data)
        ce = CrossEntropyLoss()(logits, targets)
        return kl * (self.alpha * self.temperature**2) + ce * (1 - self.alpha)


# Given: helpers.


def _weights(model: Any) -> list[Tensor]:
    """Given: return the parameters with two or more axes."""
    return [p for p in model.parameters() if p.ndim >= 2]


def _unit_layers(model: Any) -> Iterator[Any]:
    """Given: yield every Linear and convolution in `model`, each once."""
    stack, seen = [model], set()
    while stack:
        layer = stack.pop()
        if not isinstance(layer, Layer) or id(layer) in seen:
            continue
        seen.add(id(layer))
        weight = getattr(layer, "weight", None)
        filters = isinstance(weight, Tensor) and weight.ndim == 4
        if filters or isinstance(layer, Linear):
            yield layer
        stack.extend(layer._parts())  # noqa: SLF001 -- Given in module 04


def _check_share(share: float) -> None:
    """Given: raise ValueError unless `share` lies between 0 and 1."""
    if not 0 <= share <= 1:
        msg = f"a share must be in [0, 1], not {share}"
        raise ValueError(msg)
