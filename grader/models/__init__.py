"""Frozen data with no input or output: the vocabulary of the whole engine."""
