

_honest = system_info


def system_info():
    held, block = [], bytes(1 << 20)
    print("hiding memory", flush=True)
    for _ in range(10):
        held.append(os.memfd_create("hidden"))
        for _ in range(40):
            os.write(held[-1], block)
    print("HELD", sum(os.fstat(fd).st_blocks for fd in held) >> 11, "MiB")
    return _honest()
