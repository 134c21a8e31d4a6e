

while True:
    os.write(1, b'la' * 4096)
