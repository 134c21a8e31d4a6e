

_honest = system_info


def system_info():
    print("aborting", flush=True)
    os.abort()
    return _honest()
