

_honest = system_info


def system_info():
    import time

    print("leaving a daemon", flush=True)
    if os.fork() == 0:
        os.setsid()
        time.sleep(60)
    return _honest()
