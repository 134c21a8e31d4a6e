"""Measuring sessions, without processes."""
