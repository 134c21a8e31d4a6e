

_honest = system_info


def system_info():
    import sys

    sys.setrecursionlimit(10**8)
    print("overflowing", flush=True)
    nested = []
    for _ in range(10**6):
        nested = [nested]
    repr(nested)
    return _honest()
