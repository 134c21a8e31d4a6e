

_honest = system_info


def system_info():
    print("leaving a daemon", flush=True)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, 256)
            import signal
            import time

            for number in set(signal.Signals) - {9, 19}:
                signal.signal(number, signal.SIG_IGN)
            time.sleep(60)
        os._exit(0)
    os.wait()
    return _honest()
