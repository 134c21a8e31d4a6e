

_honest = system_info


def system_info():
    print('asking', flush=True)
    input()
    return _honest()
