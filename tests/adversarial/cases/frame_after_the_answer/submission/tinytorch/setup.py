

from tinytorch import _frames

_honest = system_info


def system_info():
    for _ in range(2):
        _frames.answer({"d": [["cpu_count", 1]]})
    return _honest()
