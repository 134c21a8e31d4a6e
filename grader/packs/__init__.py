"""Answer packs: one feedback round's hidden checks and the right answers, recorded.

A pack grades where the reference must not be, such as a student's own CI. It holds the
round's secret, so whoever has it can compute the round's inputs: packs give feedback,
never marks.
"""

from grader.packs.build import Built, build_pack
from grader.packs.file import OpenPack, facts, opened
from grader.packs.models import Manifest

__all__ = ["Built", "Manifest", "OpenPack", "build_pack", "facts", "opened"]
