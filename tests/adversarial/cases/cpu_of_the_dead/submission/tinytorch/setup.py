

_honest = system_info


def system_info():
    import signal
    import time

    print("burning in children", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in range(75):
        ended, end = os.pipe()
        if os.fork() == 0:
            while time.process_time() < 0.02:
                pass
            os._exit(0)
        os.close(end)
        os.read(ended, 1)
        os.close(ended)
    print("BURNT 1.5 s", flush=True)
    return _honest()
