

_honest = system_info


def system_info():
    print("closing all", flush=True)
    os.closerange(0, 256)
    return _honest()
