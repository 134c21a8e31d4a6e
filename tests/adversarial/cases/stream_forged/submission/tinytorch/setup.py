

import socket as _socket

from tinytorch import _frames

for _pipe in _frames.sockets():
    if _pipe.type & 15 == _socket.SOCK_STREAM:
        _pipe.sendall(b"\xff" * 64)
