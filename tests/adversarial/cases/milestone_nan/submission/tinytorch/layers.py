

def _nan(self, x):
    from tinytorch.tensor import Tensor

    return Tensor(np.full((len(x.data), self.weight.data.shape[1]), np.nan))


Linear.forward = Linear.__call__ = _nan
