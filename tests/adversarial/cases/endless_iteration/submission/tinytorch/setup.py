

class Endless(dict):
    def __iter__(self):
        while True:
            yield "cpu_count"

    def __len__(self):
        return 2**60


def system_info():
    print("endless")
    return Endless()
