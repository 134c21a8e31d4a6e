"""Workflows, read and run as a runner does."""
