"""The intake service: takes submissions in, has them graded, and tells how they stand.

One process serves; worker processes grade. All that lasts is in the store, so that the
service can be killed at any time.
"""

from grader.service.app import create_app
from grader.service.site import Settings, Site, open_site

__all__ = ["Settings", "Site", "create_app", "open_site"]
