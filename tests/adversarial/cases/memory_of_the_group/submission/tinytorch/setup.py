

import time as _time


def _help():
    kept = np.ones(2**26)
    _time.sleep(60)
    kept.sum()


import socket as _socket

_receive = _socket.recv_fds


def _receive_and_help(*arguments):
    order = _receive(*arguments)
    _help()
    return order


_socket.recv_fds = _receive_and_help
