"""What every request of a service shares, and who asks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from typecase.serve.jobs import JobStore
from typecase.serve.keys import Keys
from typecase.serve.metrics import Metrics
from typecase.serve.pool import Pool
from typecase.serve.problems import Problem
from typecase.serve.runner import JobRunner
from typecase.serve.settings import ServeSettings


@dataclass
class Service:
    """The parts of a running service."""

    settings: ServeSettings
    pool: Pool
    store: JobStore
    runner: JobRunner
    metrics: Metrics
    keys: Keys | None


async def service_of(request: Request) -> Service:
    """The service that answers a request.

    It waits for nothing; were it no coroutine, FastAPI would send each request through another thread for it.
    """
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


async def owner_of(request: Request, service: Annotated[Service, Depends(service_of)]) -> str:
    """Who asks: the owner of the API key; nobody by name where none is needed.

    Raises:
        Problem: A key is needed, and there is none or a wrong one (401).
    """
    if service.keys is None:
        return ""
    given = request.headers.get("x-api-key", "")
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if not given and scheme.lower() == "bearer":
        given = token.strip()
    # In a thread, for the file of keys may have to be read.
    owner = await asyncio.to_thread(service.keys.owner_of, given) if given else None
    if owner is None:
        what = "This API key is not known" if given else "An API key is needed"
        raise Problem(
            401,
            "no-key",
            f"{what}; send one as Authorization: Bearer KEY, or as X-API-Key: KEY.",
            {"WWW-Authenticate": "Bearer"},
        )
    return owner


ServiceDep = Annotated[Service, Depends(service_of)]
OwnerDep = Annotated[str, Depends(owner_of)]
