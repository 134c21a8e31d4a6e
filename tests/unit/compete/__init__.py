"""Scores and ranks of the competition."""
