

_honest = system_info


def system_info():
    import time

    print("leaking", flush=True)
    kept = []
    while True:
        kept.append(np.ones(2**19))
        time.sleep(0.01)
    return _honest()
