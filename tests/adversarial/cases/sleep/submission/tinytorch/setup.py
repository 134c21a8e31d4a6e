

_honest = system_info


def system_info():
    import time

    print('sleeping', flush=True)
    time.sleep(600)
    return _honest()
