

_honest = system_info


def system_info():
    import mmap

    print("hiding memory", flush=True)
    area, part = mmap.mmap(-1, 400 << 20), 40 << 20
    for start in range(0, 400 << 20, part):
        area[start : start + part] = b"x" * part
        area.madvise(mmap.MADV_DONTNEED)
    print("HELD", sum(area[at] == 120 for at in range(0, 400 << 20, 1 << 20)), "MiB")
    return _honest()
