

from tinytorch import _frames

_honest = system_info


def system_info():
    _frames.send({"n": _frames.number(), "value": {"a": 0}, "arrays": [["object", [1]]]}, bytes(8))
    return _honest()
