"""Data sets of the milestones: made from a seed, shipped, or fetched once.

Loaders return plain arrays and a digest that names the data on every report.
What is read from disk is untrusted: headers, sizes and checksums are verified, and
nothing here unpickles, writes what an archive holds, or imports anything of a
submission.
"""

from __future__ import annotations

from grader.datasets.dataset import DataSet, Origin, Profile
from grader.datasets.fetch import Fetched, fetch
from grader.datasets.load import load
from grader.datasets.published import PUBLISHED
from grader.datasets.rename import renamed
from grader.datasets.shift import shifted

__all__ = [
    "PUBLISHED",
    "DataSet",
    "Fetched",
    "Origin",
    "Profile",
    "fetch",
    "load",
    "renamed",
    "shifted",
]
