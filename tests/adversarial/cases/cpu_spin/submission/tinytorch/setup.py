

_honest = system_info


def system_info():
    print('spinning', flush=True)
    while True:
        pass
    return _honest()
