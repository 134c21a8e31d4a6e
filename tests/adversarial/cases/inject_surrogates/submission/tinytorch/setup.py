

def system_info():
    os.write(1, b"bytes \xff\xfe\xed\xa0\x80 end\n")
    raise ValueError("half \ud800 of a pair")
