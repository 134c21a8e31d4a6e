"""Build the public leaderboard: a pure function of what the store exports.

Only what `board` puts into its models can become public: no student id, no label, no
message, no output of a submission enters them.
"""

from grader.publish.build import Settings as SiteSettings
from grader.publish.build import build
from grader.publish.site import check_site, write_site

__all__ = ["SiteSettings", "build", "check_site", "write_site"]
