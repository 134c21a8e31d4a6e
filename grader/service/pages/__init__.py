"""The pages of the service: sign in, one's own results, and the desk of the staff.

Made on the server and whole without script; nothing is fetched from elsewhere.
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from grader.service.pages import me, sign_in, staff

__all__ = ["ROUTERS"]

ROUTERS: Final[tuple[APIRouter, ...]] = (sign_in.router, me.router, staff.router)
