"""Turn a `GradeReport` into text for people: terminal, HTML, charts, JSON Schema.

Pure: no files, no clock, no network. Every text that a submission could have written
passes `display` on its way out.
"""
