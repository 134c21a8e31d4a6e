"""Data sets of the milestones: made from a seed, shipped, or fetched once.

Loaders return plain arrays and a digest that names the data on every report.
What is read from disk is untrusted: headers, sizes and checksums are verified, and
nothing here unpickles, writes what an archive holds, or imports anything of a
submission. A grading loads; what `fetch` needs of the network is not imported for it.
"""

from __future__ import annotations

from grader.datasets.dataset import DataSet, Origin, Profile
from grader.datasets.load import load
from grader.datasets.rename import renamed
from grader.datasets.shift import shifted

__all__ = [
    "DataSet",
    "Origin",
    "Profile",
    "load",
    "renamed",
    "shifted",
]
