

_honest = system_info


def system_info():
    import signal
    import time

    print("starving myself", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for _ in range(10):
        if os.fork() == 0:
            while True:
                ended, end = os.pipe()
                if os.fork() == 0:
                    while time.process_time() < 0.004:
                        pass
                    os._exit(0)
                os.close(end)
                os.read(ended, 1)
                os.close(ended)
    while True:
        pass
    return _honest()
