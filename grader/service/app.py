"""The web application: routers, errors, headers, and what runs beside requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import grader
from grader.service import api, board, health
from grader.service.problems import ProblemBody, handle_problems
from grader.service.site import Site
from grader.service.watching import Watch

TITLE: Final = "tinytorch grader"
ABOUT: Final = """Hand in, follow what becomes of it, and read the report.

Everything but the upload is JSON. Errors are `application/problem+json` with a `code`
that stays the same, one sentence, and what to do."""


def create_app(site: Site, routers: Sequence[APIRouter] = ()) -> FastAPI:
    """Return the application of a site; `app.state.site` is the site.

    Args:
        routers: more of them, as the pages are; they go before the static board.
    """
    app = FastAPI(
        title=TITLE,
        version=grader.__version__,
        description=ABOUT,
        docs_url=None,  # those pages load scripts from elsewhere
        redoc_url=None,
        root_path=site.settings.root_path,
        lifespan=_beside(site),
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.site = site
    app.state.watch = Watch()
    handle_problems(app)
    for router in (api.router, health.router, *routers):
        app.include_router(router)
    if site.settings.board is not None:
        app.mount("/", board.files(site.settings.board))
    elif routers:  # no board: people who come by the bare address want their pages
        home = RedirectResponse(f"{site.settings.root_path}/sign-in", 303)
        app.add_route("/", lambda _: home, include_in_schema=False)
    app.add_middleware(_Headers)
    app.openapi = _document(app)  # type: ignore[method-assign]
    return app


def _beside(site: Site) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        watching = asyncio.create_task(app.state.watch.run(site))
        try:
            yield
        finally:
            site.closing.set()
            watching.cancel()

    return lifespan


class _Headers:
    """What every answer says: no sniffing, no framing, no telling where from."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name for name, _ in message["headers"]}
                more = [one for one in _ALWAYS if one[0] not in there]
                message["headers"] = [*message["headers"], *more]
            await send(message)

        await self._app(scope, receive, with_headers)


_ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cache-control", b"no-store"),  # whatever is not public by itself says so
)


def _document(app: FastAPI) -> Callable[[], dict[str, Any]]:
    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            parts = made.setdefault("components", {})
            schemas = parts.setdefault("schemas", {})
            schemas["Problem"] = ProblemBody.model_json_schema()
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            _tokens(made)
            app.openapi_schema = made
        return app.openapi_schema

    return document


def _tokens(made: dict[str, Any]) -> None:
    """Say which calls need a token, and drop the errors that never come so."""
    made["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "bearerFormat": "tt_..."}
    }
    for path, calls in made["paths"].items():
        for call in calls.values():
            if path.startswith("/api/"):
                call["security"] = [{"token": []}]
            answer = call["responses"].get("422", {})
            if "application/json" in answer.get("content", {}):
                del call["responses"]["422"]
