

from tinytorch import _frames

_honest = system_info


def system_info():
    _frames.answer({"a": 0}, arrays=[["float32", [0, 2**39, 2**39]]])
    return _honest()
