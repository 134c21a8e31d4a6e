

def system_info():
    print("interrupting")
    raise KeyboardInterrupt
