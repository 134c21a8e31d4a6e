

import threading

from tinytorch import _frames


def system_info():
    n = _frames.number()
    forged = {"n": n, "value": {"l": ["passed", True]}}
    print("starting a thread", flush=True)
    thread = threading.Thread(target=_frames.send, args=(forged,))
    thread.start()
    thread.join()
    return {}
