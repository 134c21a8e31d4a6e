

def system_info():
    print('isinstance(1, str) is', isinstance(1, str))
    return object()
