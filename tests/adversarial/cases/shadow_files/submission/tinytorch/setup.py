

_honest = system_info


def system_info():
    import json

    print('numpy is', np.__name__, type(np.ones(1)).__name__, json.dumps([1]))
    return _honest()
