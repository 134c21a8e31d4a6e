"""Module 07: optimizers, what to do with a gradient.

You will build:

    7.1  SGD.step     downhill, with momentum             about 9 lines
    7.2  Adam.step    each parameter with its own pace    about 12 lines
    7.3  AdamW.step   weight decay apart from the rest    about 4 lines

The constructors, `zero_grad` and the saving of the state are given. Write into the
arrays (`p.data -= ...`) instead of replacing them: it is faster and needs less memory.

Run `make test-07` after each task.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tinytorch.base import Array
from tinytorch.tensor import Tensor


class Optimizer:
    """Given: what all optimizers share.

    Attributes:
        params: the list of parameters.
        lr: the learning rate; a scheduler may assign it between steps.
        weight_decay: strength of the pull towards zero.
        steps: how many steps were taken, where the formula needs it (Adam).
    """

    def __init__(
        self, params: Iterable[Tensor], lr: float, weight_decay: float
    ) -> None:
        self.params = list(params)
        for p in self.params:
            if not p.requires_grad:
                msg = f"parameter of shape {p.shape} has requires_grad=False"
                raise ValueError(msg)
        self.lr, self.weight_decay, self.steps = lr, weight_decay, 0
        self._slots: dict[str, list[Array]] = {}

    def step(self) -> None:
        """Change every parameter by its gradient; each subclass writes its own."""
        raise NotImplementedError

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for p in self.params:
            p.zero_grad()

    def state(self) -> dict[str, Array]:
        """Return what `step` remembers between calls, as arrays, for a checkpoint."""
        arrays = {"steps": np.array(self.steps), "lr": np.array(self.lr)}
        for name, slot in self._slots.items():
            arrays |= {f"{name}.{i}": a for i, a in enumerate(slot)}
        return arrays

    def load_state(self, arrays: Mapping[str, Any]) -> None:
        """Take over what `state` returned."""
        self.steps, self.lr = int(arrays["steps"]), float(arrays["lr"])
        for name, slot in self._slots.items():
            for i, a in enumerate(slot):
                a[...] = arrays[f"{name}.{i}"]

    def _slot(self, name: str) -> list[Array]:
        """Return one array of zeros a parameter, to be remembered between steps."""
        self._slots[name] = [np.zeros_like(p.data) for p in self.params]
        return self._slots[name]

    def _gradient(self, p: Tensor) -> Any:
        """Return p.grad, with weight decay as the gradient of a penalty on size."""
        grad: Any = p.grad
        return (
            grad + np.float32(self.weight_decay) * p.data if self.weight_decay else grad
        )


class SGD(Optimizer):
    """Stochastic gradient descent with momentum.

    Unless given, lr is 0.01, and there is no momentum and no decay.

    Raises:
        ValueError: a parameter does not track gradients.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 0.01,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr, weight_decay)
        self.momentum = momentum
        self.velocity = self._slot("velocity") if momentum else []

    def step(self) -> None:
        """Take one step downhill.

        g = grad + weight_decay * data          self._gradient(p) gives it
        v = momentum * v + g                    v starts as zeros: self.velocity[i]
        data = data - lr * v

        Without momentum v is g. A parameter whose grad is None is skipped: neither
        its data nor its v changes. `grad` itself stays as it is.

        Example:
            >>> w = Tensor([1.0], requires_grad=True)
            >>> (w * 3).sum().backward()
            >>> SGD([w], lr=0.5).step()
            >>> w.data
            array([-0.5], dtype=float32)
        """
        # TODO(7.1): about 9 lines.
        raise NotImplementedError("TODO 7.1: SGD.step")


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015): steps of about lr, whatever the gradient's scale.

    Unless given, lr is 0.001, betas are (0.9, 0.999), eps is 1e-8; there is no decay.

    Raises:
        ValueError: a parameter does not track gradients.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr, weight_decay)
        self.betas, self.eps = betas, eps
        self.m, self.v = self._slot("m"), self._slot("v")

    def step(self) -> None:
        """Take one step.

        t counts the steps, from 1 on; m and v start as zeros (self.m[i], self.v[i]).

        g = grad + weight_decay * data          self._gradient(p) gives it
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        m_hat = m / (1 - beta1 ** t)
        v_hat = v / (1 - beta2 ** t)
        data = data - lr * m_hat / (sqrt(v_hat) + eps)

        A parameter whose grad is None is skipped: neither its data nor its m and v
        change. t may count per parameter or for all together, either. `grad` itself
        stays as it is.

        Example:
            >>> w = Tensor([1.0], requires_grad=True)
            >>> (w * 1000).sum().backward()
            >>> Adam([w], lr=0.25).step()
            >>> w.data
            array([0.75], dtype=float32)
        """
        # TODO(7.2): about 12 lines.
        raise NotImplementedError("TODO 7.2: Adam.step")


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019).

    Unless given, lr is 0.001 and the weight decay 0.01; the rest is as in Adam.

    Raises:
        ValueError: a parameter does not track gradients.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)

    def step(self) -> None:
        """Shrink the data, then step as Adam does without weight decay.

        data = data * (1 - lr * weight_decay)
        then the step of Adam, with g = grad      self._gradient(p) gives it here

        So the decay is not divided by sqrt(v_hat). A parameter whose grad is None is
        skipped: it does not shrink either.

        Example:
            >>> w = Tensor([1.0], requires_grad=True)
            >>> (w * 0).sum().backward()
            >>> AdamW([w], lr=0.5, weight_decay=0.5).step()
            >>> w.data
            array([0.75], dtype=float32)
        """
        # TODO(7.3): about 4 lines.
        raise NotImplementedError("TODO 7.3: AdamW.step")

    def _gradient(self, p: Tensor) -> Any:
        """Given: return p.grad; the decay is done apart from it."""
        return p.grad
