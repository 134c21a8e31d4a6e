

import itertools

_lies = itertools.cycle([
    np.zeros(()), np.zeros((1, 1, 1), np.float32), np.full(4, np.nan, np.float32),
    np.array([None, 1]), np.zeros((0, 5), np.float32), np.zeros(3, "f4,i4"),
    np.broadcast_to(np.float32(1), (10**6, 10**6))[:2, :2], np.array("text"),
    np.ma.masked_all(3), np.zeros(3, np.complex64), np.matrix([[1.0]]),
])


class Tensor:
    def __init__(self, data=None, requires_grad=False):
        print("lying")

    data = property(lambda self: next(_lies))
    shape = property(lambda self: next(_lies).shape)

    def _new(self, *a, **k):
        return Tensor()

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = matmul = _new
    __truediv__ = __rtruediv__ = __matmul__ = __pow__ = __neg__ = _new
    reshape = transpose = sum = mean = max = exp = log = sqrt = __getitem__ = _new
    cat = staticmethod(_new)

    def numpy(self):
        return self.data

    def item(self):
        return self.data
