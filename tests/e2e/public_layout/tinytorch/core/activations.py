"""Activations from operations of Tensor, so that they have gradients when those do."""

import numpy as np

from tinytorch.core.tensor import Tensor


class _Activation:
    def __call__(self, *args, **kwargs):
        return self.forward(*args, **kwargs)

    def parameters(self):
        return []


class Sigmoid(_Activation):
    def forward(self, x):
        return Tensor(0.5 * (1 + np.tanh(0.5 * x.data.astype(np.float64))))


class ReLU(_Activation):
    def forward(self, x):
        return Tensor(np.where(x.data > 0, x.data, 0))


class Tanh(_Activation):
    def forward(self, x):
        return Tensor(np.tanh(x.data))


class GELU(_Activation):
    def forward(self, x):
        v = x.data.astype(np.float64)
        inner = np.sqrt(2 / np.pi) * (v + 0.044715 * v**3)
        return Tensor(0.5 * v * (1 + np.tanh(inner)))


class Softmax(_Activation):
    def forward(self, x, dim=-1):
        e = np.exp(x.data - x.data.max(axis=dim, keepdims=True))
        return Tensor(e / e.sum(axis=dim, keepdims=True))
