

import time as _time


def _help():
    import threading

    threading.Thread(target=_time.sleep, args=(60,), daemon=True).start()


import socket as _socket

_receive = _socket.recv_fds


def _receive_and_help(*arguments):
    order = _receive(*arguments)
    _help()
    return order


_socket.recv_fds = _receive_and_help
