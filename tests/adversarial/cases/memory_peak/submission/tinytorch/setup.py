

_honest = system_info


def system_info():
    print("peaking", flush=True)
    np.ones(2**25)
    return _honest()
