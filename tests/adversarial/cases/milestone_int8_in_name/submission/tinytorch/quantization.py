

def quantize_int8(t):
    return np.array(t.data, np.float32), 1.0, 0  # four bytes a weight
