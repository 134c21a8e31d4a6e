"""The oracle where there is no reference: recorded answers, and nothing else.

What was not recorded cannot be answered here, so that the check is inconclusive; it is
never failed for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from grader.checks.oracle import Oracle
from grader.checks.recording import Recording
from grader.checks.remote import OracleError
from grader.sandbox import Channel, Zygote

UNANSWERED: Final = (
    "the answer pack has no answer to what this check asks; only a grading with the "
    "reference can judge it"
)


@dataclass(frozen=True)
class PackedAnswers:
    """What stands for the reference in an answer pack."""

    pack: str  # digest of the whole pack
    reference: str  # digest of the reference that was asked
    recording: Recording
    proven: frozenset[str]  # ids of the checks that the reference passed


class PackedOracle(Oracle):
    """Answers from a pack; no process of the reference is ever started.

    Args:
        zygote: of an empty package; it is never asked for anything.
    """

    def __init__(self, zygote: Zygote, answers: PackedAnswers) -> None:
        super().__init__(zygote, answers.recording)
        self._proven = answers.proven

    def holds(self, check: str) -> bool | None:
        """Return whether the reference passed `check` when the pack was made."""
        return check in self._proven

    def _fresh(self) -> Channel:
        raise OracleError(UNANSWERED)
