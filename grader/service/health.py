"""How the service itself is: for load balancers, and numbers for Prometheus."""

from __future__ import annotations

import shutil
from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.responses import Response

from grader.errors import StoreError
from grader.service.access import Here
from grader.service.answers import STANDS
from grader.service.models import Health
from grader.service.site import Site

router = APIRouter(tags=["service"])
NOT_READY: Final[dict[int | str, dict[str, Any]]] = {
    503: {"model": Health, "description": "It is not, and why."}
}


@router.get("/healthz", summary="Whether the process lives")
def lives() -> Health:
    """Return that it does."""
    return Health(ok=True, problems=[])


@router.get(
    "/readyz",
    summary="Whether submissions are taken in and graded",
    response_model=Health,
    responses=NOT_READY,
)
def ready(site: Here) -> Response:
    """Look at the store, the disk and the workers."""
    problems = problems_of(site)
    found = Health(ok=not problems, problems=problems)
    return JSONResponse(found.model_dump(), 503 if problems else 200)


def problems_of(site: Site) -> list[str]:
    """Return what keeps submissions from being taken in or graded, without paths."""
    found = []
    if site.closing.is_set():
        found.append("it is about to end")
    try:
        if shutil.disk_usage(site.settings.store).free < site.settings.free_bytes:
            found.append("the store's disk is full")
        site.store.inbox.probe()
    except (OSError, StoreError):
        found.append("the store cannot be written")
    if site.trouble:
        found.append("workers cannot grade; the log says why")
    return found


@router.get(
    "/metrics",
    summary="Numbers for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(site: Here) -> Response:
    """Return how much waits and how it ended, and how the host is; no names."""
    return Response(_numbers(site), media_type=CONTENT_TYPE_LATEST)


def _numbers(site: Site) -> bytes:
    registry = CollectorRegistry()
    stands = Gauge(
        "grader_submissions",
        "Submissions by how they stand.",
        ["state"],
        registry=registry,
    )
    counts = site.store.inbox.counts()
    for state, word in STANDS.items():
        stands.labels(word).set(counts.get(state, 0))
    free = Gauge("grader_store_free_bytes", "Room on its disk.", registry=registry)
    free.set(shutil.disk_usage(site.settings.store).free)
    workers = Gauge("grader_workers", "Worker processes.", registry=registry)
    workers.set(site.workers)
    can = Gauge("grader_can_grade", "1 unless workers fail.", registry=registry)
    can.set(0 if site.trouble else 1)
    return generate_latest(registry)
