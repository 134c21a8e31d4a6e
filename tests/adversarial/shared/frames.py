"""What an attacker knows of the pipe: enough to forge answers on it."""

import json
import os
import socket
import stat
import struct
import sys


def number():
    """Return the number of the request that is being answered, found in the stack."""
    frame = sys._getframe()
    while frame:
        for value in frame.f_locals.values():
            if type(value) is dict and "op" in value and "n" in value:
                return value["n"]
        frame = frame.f_back
    return 1


def sockets():
    """Return every socket that this process has inherited."""
    found = []
    for fd in map(int, os.listdir("/proc/self/fd")):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                found.append(socket.socket(fileno=os.dup(fd)))
        except OSError:
            continue
    return found


def send(text, body=b"", claimed=None):
    """Write a frame to every socket; `claimed` overrides the lengths in its head."""
    if isinstance(text, dict):
        text = json.dumps(text).encode()
    lengths = claimed or (len(text), len(body))
    print("forging a frame", flush=True)
    for sock in sockets():
        sock.sendall(struct.pack("!IQ", *lengths) + text + body)


def answer(value, **more):
    """Answer the current request with a wire value of our choice."""
    send({"n": number(), "value": value} | more)
