"""Autograding and competition service for courses that build tinytorch in numpy."""

__version__ = "0.1.0"
