"""How similar submissions are: evidence for a conversation, never a verdict."""

from grader.similarity.compare import Compared, Settings, Whose, compare
from grader.similarity.html import to_html
from grader.similarity.models import Comparison, FilePair, StudentPair

__all__ = [
    "Compared",
    "Comparison",
    "FilePair",
    "Settings",
    "StudentPair",
    "Whose",
    "compare",
    "to_html",
]
