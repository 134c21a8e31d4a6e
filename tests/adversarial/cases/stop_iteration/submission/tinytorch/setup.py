

def system_info():
    print("stopping")
    raise StopIteration
