import numpy as np

from tinytorch.core.tensor import Tensor


class Layer:
    training = True

    def __call__(self, *args, **kwargs):
        return self.forward(*args, **kwargs)

    def _children(self):
        for value in vars(self).values():
            for item in value if isinstance(value, (list, tuple)) else [value]:
                if hasattr(item, "parameters"):
                    yield item

    def parameters(self):
        own = [v for v in vars(self).values() if isinstance(v, Tensor) and v.requires_grad]
        return own + [p for child in self._children() for p in child.parameters()]

    def train(self, mode=True):
        self.training = mode
        for child in self._children():
            if hasattr(child, "train"):
                child.train(mode)

    def eval(self):
        self.train(False)


class Linear(Layer):
    def __init__(self, in_features, out_features, bias=True):
        limit = np.sqrt(6 / (in_features + out_features))  # Xavier, uniform
        weight = np.random.uniform(-limit, limit, (in_features, out_features))
        self.weight = Tensor(weight, requires_grad=True)
        self.bias = Tensor(np.zeros(out_features), requires_grad=True) if bias else None

    def forward(self, x):
        out = x.matmul(self.weight)
        return out if self.bias is None else out + self.bias


class Dropout(Layer):
    def __init__(self, p=0.5):
        if not 0 <= p < 1:
            raise ValueError(f"p must be from 0 to below 1, not {p}")
        self.p = p

    def forward(self, x, training=None):
        if not (self.training if training is None else training) or self.p == 0:
            return x
        keep = np.random.binomial(1, 1 - self.p, x.shape)
        return x * Tensor(keep / (1 - self.p))


class Sequential(Layer):
    def __init__(self, *layers):
        self.layers = list(layers)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
