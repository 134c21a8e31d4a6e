"""Gradients, switched on by one call that replaces methods of the classes."""

import numpy as np

from tinytorch.core import activations, losses
from tinytorch.core.tensor import Tensor

_state = {"on": False, "tracking": True}


class no_grad:
    def __enter__(self):
        self._before = _state["tracking"]
        _state["tracking"] = False

    def __exit__(self, *_):
        _state["tracking"] = self._before


def _fit(grad, shape):
    while grad.ndim > len(shape):
        grad = grad.sum(axis=0)
    for axis, size in enumerate(shape):
        if size == 1 and grad.shape[axis] != 1:
            grad = grad.sum(axis=axis, keepdims=True)
    return grad


def _track(out, inputs, rule):
    if _state["tracking"] and any(t.requires_grad for t in inputs):
        out.requires_grad = True
        out._grad_fn = (inputs, rule)
    return out


def _wrap(cls, name, rule):
    """Let `name` remember `rule(out, grad, self, *args) -> gradients`."""
    plain = getattr(cls, name)

    def method(self, *args, **kwargs):
        args = [_as_tensor(a) if name in COERCED else a for a in args]
        out = plain(self, *args, **kwargs)
        if out is self:
            return out
        inputs = [self, *args] if name in BINARY else [self]
        return _track(out, inputs, lambda g: rule(out, g, self, *args, **kwargs))

    setattr(cls, name, method)


BINARY = {"__add__", "__sub__", "__mul__", "__truediv__", "matmul"}
COERCED = BINARY - {"matmul"}


def _as_tensor(x):
    return x if isinstance(x, (Tensor, str)) or x is None else Tensor(x)


def _matmul_rule(out, g, a, b):
    x, y = a.data, b.data
    row, column = x.ndim == 1, y.ndim == 1
    x2, y2 = (x[None] if row else x), (y[:, None] if column else y)
    g2 = g[..., None, :] if row and not column else g
    g2 = g2[..., None] if column and not row else g2
    g2 = np.reshape(g, (1, 1)) if row and column else g2
    da = g2 @ np.swapaxes(y2, -1, -2)
    db = np.swapaxes(x2, -1, -2) @ g2
    return _fit(da, x2.shape).reshape(x.shape), _fit(db, y2.shape).reshape(y.shape)


def _spread(g, shape, axis, keepdims):
    if axis is not None and not keepdims:
        g = np.expand_dims(g, axis)
    return np.broadcast_to(g, shape)


def _sum_rule(out, g, x, axis=None, keepdims=False):
    return (_spread(g, x.shape, axis, keepdims),)


def _mean_rule(out, g, x, axis=None, keepdims=False):
    return (_spread(g, x.shape, axis, keepdims) * (out.size / x.size),)


def _max_rule(out, g, x, axis=None, keepdims=False):
    top = _spread(out.data, x.shape, axis, keepdims) == x.data
    share = top / top.sum(axis=axis, keepdims=True)
    return (_spread(g, x.shape, axis, keepdims) * share,)


def _transpose_rule(out, g, x, dim0=None, dim1=None):
    if dim0 is None and dim1 is None:
        return (np.swapaxes(g, -1, -2) if x.ndim > 1 else g,)
    return (np.swapaxes(g, dim0, dim1),)


def _getitem_rule(out, g, x, key):
    grad = np.zeros_like(x.data)
    np.add.at(grad, key, g)
    return (grad,)


RULES = {
    "__add__": lambda out, g, a, b: (_fit(g, a.shape), _fit(g, b.shape)),
    "__sub__": lambda out, g, a, b: (_fit(g, a.shape), _fit(-g, b.shape)),
    "__mul__": lambda out, g, a, b: (_fit(g * b.data, a.shape), _fit(g * a.data, b.shape)),
    "__truediv__": lambda out, g, a, b: (
        _fit(g / b.data, a.shape),
        _fit(-g * a.data / b.data**2, b.shape),
    ),
    "__pow__": lambda out, g, x, k: (g * k * x.data ** (k - 1),),
    "matmul": _matmul_rule,
    "reshape": lambda out, g, x, *shape: (g.reshape(x.shape),),
    "transpose": _transpose_rule,
    "sum": _sum_rule,
    "mean": _mean_rule,
    "max": _max_rule,
    "exp": lambda out, g, x: (g * out.data,),
    "log": lambda out, g, x: (g / x.data,),
    "sqrt": lambda out, g, x: (g / (2 * out.data),),
    "__getitem__": _getitem_rule,
}


def _wrap_forward(cls, rule, inputs=1):
    plain = cls.forward

    def forward(self, *args, **kwargs):
        out = plain(self, *args, **kwargs)
        tracked = list(args[:inputs])
        return _track(out, tracked, lambda g: rule(out.data, g, *args, **kwargs))

    cls.forward = forward


def _softmax_rule(y, g, x, dim=-1):
    return (y * (g - (g * y).sum(axis=dim, keepdims=True)),)


def _gelu_rule(y, g, x):
    v = x.data
    c = np.sqrt(2 / np.pi)
    t = np.tanh(c * (v + 0.044715 * v**3))
    return (g * (0.5 * (1 + t) + 0.5 * v * (1 - t**2) * c * (1 + 3 * 0.044715 * v**2)),)


def _cross_entropy_rule(y, g, logits, targets):
    grad = np.exp(losses.log_softmax(Tensor(logits.data)).data)
    grad[np.arange(len(grad)), losses.ids_of(targets)] -= 1
    return (g * grad / len(grad),)


def _bce_rule(y, g, predictions, targets):
    p = np.clip(predictions.data, 1e-7, 1 - 1e-7)
    return (g * (p - targets.data) / (p * (1 - p)) / p.size,)


def _mse_rule(y, g, predictions, targets):
    slope = g * 2 * (predictions.data - targets.data) / predictions.size
    return (slope, -slope)


def _wrapped_log_softmax():
    plain = losses.log_softmax

    def log_softmax(x, dim=-1):
        out = plain(x, dim)

        def rule(g):
            return (g - np.exp(out.data) * g.sum(axis=dim, keepdims=True),)

        return _track(out, [x], rule)

    return log_softmax


def _backward(self, gradient=None):
    if not self.requires_grad:
        raise RuntimeError("this tensor does not track gradients")
    if gradient is None:
        if self.size != 1:
            raise ValueError(f"backward of shape {self.shape} needs a gradient")
        gradient = np.ones_like(self.data)
    gradient = getattr(gradient, "data", gradient)
    seed = np.broadcast_to(np.asarray(gradient, np.float32), self.shape)
    grads = {id(self): seed}
    for node in _order(self):
        g = grads.pop(id(node))
        node.grad = np.array(g) if node.grad is None else node.grad + g
        if node._grad_fn is None:
            continue
        inputs, rule = node._grad_fn
        for child, part in zip(inputs, rule(g)):
            if child.requires_grad:
                part = np.asarray(part, np.float32).reshape(child.shape)
                known = grads.get(id(child))
                grads[id(child)] = part if known is None else known + part


def _order(root):
    """Return every node after all that use it."""
    waiting, seen, stack = {}, {id(root)}, [root]
    while stack:
        node = stack.pop()
        for child in node._grad_fn[0] if node._grad_fn else ():
            if child.requires_grad:
                waiting[id(child)] = waiting.get(id(child), 0) + 1
                if id(child) not in seen:
                    seen.add(id(child))
                    stack.append(child)
    ready, found = [root], []
    while ready:
        node = ready.pop()
        found.append(node)
        for child in node._grad_fn[0] if node._grad_fn else ():
            if child.requires_grad:
                waiting[id(child)] -= 1
                if not waiting[id(child)]:
                    ready.append(child)
    return found


def _cat(tensors, axis=0):
    out = Tensor(np.concatenate([t.data for t in tensors], axis=axis))
    ends = np.cumsum([t.shape[axis] for t in tensors])[:-1]
    return _track(out, list(tensors), lambda g: np.split(g, ends, axis=axis))


def enable_autograd():
    if _state["on"]:
        return
    _state["on"] = True
    for name, rule in RULES.items():
        _wrap(Tensor, name, rule)
    Tensor.cat = staticmethod(_cat)
    Tensor.backward = _backward
    Tensor.zero_grad = lambda self: setattr(self, "grad", None)
    a = activations
    _wrap_forward(a.Sigmoid, lambda y, g, x: (g * y * (1 - y),))
    _wrap_forward(a.ReLU, lambda y, g, x: (g * (x.data > 0),))
    _wrap_forward(a.Tanh, lambda y, g, x: (g * (1 - y**2),))
    _wrap_forward(a.GELU, _gelu_rule)
    _wrap_forward(a.Softmax, _softmax_rule)
    _wrap_forward(losses.MSELoss, _mse_rule, inputs=2)
    _wrap_forward(losses.CrossEntropyLoss, _cross_entropy_rule)
    _wrap_forward(losses.BinaryCrossEntropyLoss, _bce_rule)
    losses.log_softmax = _wrapped_log_softmax()
