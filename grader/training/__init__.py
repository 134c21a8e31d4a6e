"""Milestones: trained in the sandbox on the student's package, judged out here.

The staff's script is sent as source; data goes in, predictions come out. Test labels
never enter a sandbox, metrics are computed here, and the trained parameters are
replayed on the reference: accuracy counts only where both packages agree.
"""

from grader.training.milestones import (
    Chosen,
    MilestoneContext,
    MilestoneRun,
    ended_milestones,
    run_milestones,
)

__all__ = [
    "Chosen",
    "MilestoneContext",
    "MilestoneRun",
    "ended_milestones",
    "run_milestones",
]
