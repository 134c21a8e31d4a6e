

_honest = system_info


def system_info():
    with open("big", "wb") as file:
        try:
            file.truncate(10 << 30)
            print("GREW")
        except OSError as exc:
            print("refused:", exc.strerror, flush=True)
    raise SystemError("tried")
    return _honest()
