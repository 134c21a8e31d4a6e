"""The steps, in order; `0001` is the store of version 0.1.0."""
