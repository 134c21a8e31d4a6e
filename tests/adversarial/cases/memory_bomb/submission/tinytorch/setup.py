

_honest = system_info


def system_info():
    print("allocating", flush=True)
    np.ones(5 * 10**9)
    return _honest()
