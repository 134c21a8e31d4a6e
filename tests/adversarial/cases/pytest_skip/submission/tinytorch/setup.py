

class Skipped(BaseException):
    pass


Skipped.__module__ = "_pytest.outcomes"


def system_info():
    print("skipping")
    raise Skipped("not today")
