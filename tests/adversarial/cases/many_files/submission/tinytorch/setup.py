

_honest = system_info


def system_info():
    import time

    open_place = "/tmp" if os.access("/tmp", os.W_OK) else os.getcwd()
    folder = f"{open_place}/many-{os.urandom(4).hex()}"
    os.mkdir(folder)
    os.chdir(folder)
    made = 0
    while time.process_time() < 0.8:
        try:
            os.close(os.open(str(made), os.O_CREAT | os.O_WRONLY))
        except OSError:  # no more room for names
            break
        made += 1
    print("made many files:", made > 1000)
    return _honest()
