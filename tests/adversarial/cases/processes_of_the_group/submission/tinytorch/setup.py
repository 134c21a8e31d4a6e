

_honest = system_info


def system_info():
    import time

    time.sleep(0.5)
    print("helped", flush=True)
    return _honest()


import socket as _socket
import time as _time

_receive = _socket.recv_fds


def _receive_with_help(*arguments):
    order = _receive(*arguments)
    if os.fork() == 0:
        os.setsid()
        _time.sleep(60)
        os._exit(0)
    return order


_socket.recv_fds = _receive_with_help
