

def system_info():
    print('leaving', flush=True)
    os._exit(0)
