

def system_info():
    print('allclose(1, 2) is', np.allclose(1, 2))
    return {}
