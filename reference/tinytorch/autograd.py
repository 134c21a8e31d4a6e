"""Module 06: autograd. One walk back through the graph gives every gradient.

Every operation already hands `Tensor._from_op` its result and its inputs. First build
the machinery, here:

    6.1   topological_order               every tensor after its inputs   about 15 lines
    6.2   backward                        the chain rule, once per tensor about 18 lines
    6.3   Tensor.zero_grad                in tensor.py                    1 line
    6.4   no_grad.__enter__ __exit__                                      3 lines
    6.5   unbroadcast                                                     about 5 lines

Then give each operation its gradient, where the operation stands: the third argument of
`Tensor._from_op` (see the text at the top of tensor.py).

    6.6   + - and the sign                in tensor.py                    1 to 2 lines
    6.7   * / **                          in tensor.py                    2 to 3 lines
    6.8   matmul                          in tensor.py                    about 4 lines
    6.9   reshape transpose [key] cat     in tensor.py                    1 to 3 lines
    6.10  sum mean max                    in tensor.py                    2 to 4 lines
    6.11  exp log sqrt                    in tensor.py                    1 line
    6.12  the activations                 in activations.py               1 to 3 lines
    6.13  Dropout                         in layers.py                    1 line
    6.14  the losses                      in losses.py                    2 to 4 lines

An operation without one says so when `backward` reaches it.
Run `make test-06` after each task.
"""
# ruff: noqa: SLF001 -- this is the machinery behind Tensor's private attributes

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tinytorch.base import Array, TensorBase
from tinytorch.tensor import Tensor


def topological_order(result: Tensor) -> list[Tensor]:
    """Return `result` and the tensors it was made from, each after its inputs.

    Only tensors with `requires_grad` are listed, each once, however many paths lead to
    it. `t._inputs` are the inputs of t. The work is linear in the number of operations,
    and a loop with its own stack, not recursion: 10,000 operations in a row are fine.

    Example:
        >>> a = Tensor([1.0], requires_grad=True)
        >>> b = a + a
        >>> [t is x for t, x in zip(topological_order(b), (a, b), strict=True)]
        [True, True]
    """
    order: list[Tensor] = []
    seen: set[int] = set()
    stack = [(result, False)]
    while stack:
        node, inputs_are_listed = stack.pop()
        if inputs_are_listed:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((t, False) for t in node._inputs if t.requires_grad)
    return order


def backward(result: Tensor, gradient: ArrayLike | Tensor | None = None) -> None:
    """Add the gradient of `result` to `.grad` of every tensor it was made from.

    `result.backward(gradient)` calls this function. Only tensors that the user created
    with `requires_grad=True` must receive `.grad` (for results of operations: either).
    `.grad` is a float32 array of the tensor's shape. It accumulates: a second
    `backward`, of this or another result, adds to it, until `zero_grad`.

    Each operation's gradient, `t._backward`, is called once, with the complete gradient
    of its result, even where several paths meet (a diamond). It returns one array per
    input, None where an input gets no gradient. The cost is linear in the number of
    operations, and a chain of 10,000 of them does not recurse.

    Args:
        result: usually a loss.
        gradient: d(loss)/d(result), of the shape of result. May be left out if result
            has one entry; it is 1 then.

    Raises:
        RuntimeError: result does not track gradients.
        ValueError: gradient is left out and result has not exactly one entry, or the
            shape of gradient differs; the message names the shapes.

    Example:
        >>> w = Tensor([1.0, 2.0], requires_grad=True)
        >>> (w * w).sum().backward()
        >>> w.grad
        array([2., 4.], dtype=float32)
    """
    pending = {id(result): _starting_gradient(result, gradient)}
    for node in reversed(topological_order(result)):
        grad = pending.pop(id(node), None)
        if grad is None:  # every operation that used it gave None
            continue
        if node._backward is None:  # made by the user, not by an operation
            _accumulate(node, grad)
            continue
        for t, part in zip(node._inputs, node._backward(grad), strict=True):
            if part is None or not t.requires_grad:
                continue
            share, known = unbroadcast(part, t.shape), pending.get(id(t))
            pending[id(t)] = share if known is None else known + share


def _starting_gradient(result: Tensor, gradient: ArrayLike | Tensor | None) -> Array:
    """Given: return the gradient to begin with, checked."""
    if not result.requires_grad:
        msg = "backward: this tensor does not track gradients"
        raise RuntimeError(msg)
    if gradient is None:
        if result.size != 1:
            msg = f"backward: a result of shape {result.shape} needs a gradient"
            raise ValueError(msg)
        return np.ones(result.shape, dtype=np.float32)
    data = gradient.data if isinstance(gradient, Tensor) else gradient
    start = np.asarray(data, dtype=np.float32)
    if start.shape != result.shape:
        msg = f"backward: gradient {start.shape} for a result {result.shape}"
        raise ValueError(msg)
    return start


def _accumulate(leaf: Tensor, grad: Array) -> None:
    """Given: add `grad` to `leaf.grad`, in place from the second time on."""
    if leaf.grad is None:
        leaf.grad = np.array(grad, dtype=np.float32)  # a copy: others may hold `grad`
    else:
        leaf.grad += grad


def unbroadcast(grad: Array, shape: tuple[int, ...]) -> Array:
    """Return `grad` summed over the axes that broadcasting stretched from `shape`.

    Where one entry was used many times, its gradient is the sum over all uses.

    Shapes: grad: what `shape` broadcasts to -> shape

    Example:
        >>> unbroadcast(np.ones((2, 3), dtype=np.float32), (3,))
        array([2., 2., 2.], dtype=float32)
    """
    if grad.shape == shape:
        return grad
    new = grad.ndim - len(shape)
    stretched = [i for i, n in enumerate(shape, start=new) if n == 1 < grad.shape[i]]
    total = grad.sum(axis=(*range(new), *stretched))
    return np.asarray(total, dtype=np.float32).reshape(shape)


class no_grad:  # noqa: N801 -- reads like a keyword: `with no_grad():`
    """Operations inside `with no_grad():` are not tracked.

    Their results have `requires_grad=False`. The state before comes back at the end,
    also after an error, and when one block stands inside another.

    Example:
        >>> w = Tensor([1.0], requires_grad=True)
        >>> with no_grad():
        ...     (w * 2).requires_grad
        False
        >>> (w * 2).requires_grad
        True
    """

    def __enter__(self) -> None:
        """Remember `Tensor.tracking` and set it to False."""
        self.before = Tensor.tracking
        Tensor.tracking = False

    def __exit__(self, *_error: object) -> None:
        """Set `Tensor.tracking` back to what it was before."""
        Tensor.tracking = self.before


TensorBase.engine = staticmethod(backward)
