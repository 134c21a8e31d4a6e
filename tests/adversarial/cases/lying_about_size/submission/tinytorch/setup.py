

_honest = system_info


def system_info():
    from numpy.lib.stride_tricks import as_strided

    print("claiming", flush=True)
    return {"cpu_count": as_strided(np.zeros(1), (10**9, 10**9), (0, 0))}
    return _honest()
