"""A package laid out like the public TinyTorch course, written apart from the reference."""
