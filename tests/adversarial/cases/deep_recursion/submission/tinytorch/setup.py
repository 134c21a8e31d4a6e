

_honest = system_info


def system_info():
    def deeper():
        return deeper()

    print("recursing", flush=True)
    deeper()
    return _honest()
