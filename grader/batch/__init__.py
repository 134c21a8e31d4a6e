"""Many submissions: found, put into the job table, graded by worker processes.

The truth is in the store alone. A worker leases one piece of work, grades it, and ends
it in the same transaction that makes its result count; whoever is killed at any time
leaves at most a lease that runs out.
"""

from grader.batch.coordinator import grade_batch
from grader.batch.sources import Entry, find_entries
from grader.batch.times import digests_of, tell_times
from grader.batch.work import Asked, Tally

__all__ = [
    "Asked",
    "Entry",
    "Tally",
    "digests_of",
    "find_entries",
    "grade_batch",
    "tell_times",
]
