

_honest = system_info


def system_info():
    import signal

    print("stopping", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
    return _honest()
