

_honest = system_info


def system_info():
    import time

    time.sleep(1.0)
    print("helped", flush=True)
    time.sleep(0.5)
    return _honest()


import socket as _socket
import threading as _threading
import time as _time

_receive = _socket.recv_fds


def _help():
    _time.sleep(0.1)
    while _time.thread_time() < 1.5:
        pass


def _receive_and_help(*arguments):
    order = _receive(*arguments)
    _threading.Thread(target=_help, daemon=True).start()
    return order


_socket.recv_fds = _receive_and_help
