"""How the tables of an older store become those of this grader, by Alembic.

A step is never changed once a release has it; a new one is added.
"""
