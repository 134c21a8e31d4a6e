import numpy as np

from tinytorch.core.tensor import Tensor


def log_softmax(x, dim=-1):
    shifted = x.data - x.data.max(axis=dim, keepdims=True)
    return Tensor(shifted - np.log(np.exp(shifted).sum(axis=dim, keepdims=True)))


def ids_of(targets):
    return np.asarray(targets.data if isinstance(targets, Tensor) else targets, int)


class _Loss:
    def __call__(self, predictions, targets):
        return self.forward(predictions, targets)

    def parameters(self):
        return []


def _alike(a, b):
    if a.shape != b.shape:
        raise ValueError(f"{a.shape} and {b.shape} differ")


class MSELoss(_Loss):
    def forward(self, predictions, targets):
        _alike(predictions, targets)
        return Tensor(np.mean((predictions.data - targets.data) ** 2))


class CrossEntropyLoss(_Loss):
    def forward(self, logits, targets):
        ids = ids_of(targets)
        if ids.shape != logits.shape[:1]:
            raise ValueError(f"{ids.shape} ids for logits {logits.shape}")
        picked = log_softmax(logits).data[np.arange(len(ids)), ids]
        return Tensor(-picked.mean())


class BinaryCrossEntropyLoss(_Loss):
    def forward(self, predictions, targets):
        _alike(predictions, targets)
        p = np.clip(predictions.data, 1e-7, 1 - 1e-7)
        t = targets.data
        return Tensor(-np.mean(t * np.log(p) + (1 - t) * np.log(1 - p)))
