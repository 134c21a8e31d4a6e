"""Command lines: parse, call one function of `grader.api`, print, exit."""
