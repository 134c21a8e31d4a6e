import numpy as np


class Optimizer:
    def __init__(self, params, lr):
        self.params = list(params)
        for p in self.params:
            if not p.requires_grad:
                raise ValueError("a parameter does not track gradients")
        self.lr = lr
        self.state = {}
        self.steps = 0

    def zero_grad(self):
        for p in self.params:
            p.grad = None

    def step(self):
        self.steps += 1
        for i, p in enumerate(self.params):
            if p.grad is not None:
                self.update(i, p, np.asarray(getattr(p.grad, "data", p.grad)))


class SGD(Optimizer):
    def __init__(self, params, lr=0.01, momentum=0.0, weight_decay=0.0):
        super().__init__(params, lr)
        self.momentum, self.weight_decay = momentum, weight_decay

    def update(self, i, p, g):
        g = g + self.weight_decay * p.data
        if self.momentum:
            g = self.state[i] = self.momentum * self.state.get(i, 0) + g
        p.data = (p.data - self.lr * g).astype(np.float32)


class Adam(Optimizer):
    def __init__(
        self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0
    ):
        super().__init__(params, lr)
        self.betas, self.eps, self.weight_decay = betas, eps, weight_decay

    def update(self, i, p, g):
        self.adam(i, p, g + self.weight_decay * p.data)

    def adam(self, i, p, g):
        m, v, n = self.state.get(i, (0.0, 0.0, 0))
        b1, b2 = self.betas
        m, v, n = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g, n + 1
        self.state[i] = m, v, n
        step = (m / (1 - b1**n)) / (np.sqrt(v / (1 - b2**n)) + self.eps)
        p.data = (p.data - self.lr * step).astype(np.float32)


class AdamW(Adam):
    def __init__(
        self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01
    ):
        super().__init__(params, lr, betas, eps, weight_decay)

    def update(self, i, p, g):
        p.data = p.data * np.float32(1 - self.lr * self.weight_decay)
        self.adam(i, p, g)
