

def _nothing(self, x):
    from tinytorch.tensor import Tensor

    return Tensor(np.zeros((len(x.data), 0)))


Linear.forward = Linear.__call__ = _nothing
