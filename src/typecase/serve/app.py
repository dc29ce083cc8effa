"""The service as an ASGI app, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.cors import CORSMiddleware

from typecase import __version__
from typecase.serve import routes_jobs, routes_read, routes_status
from typecase.serve.guards import AnswerHeaders, Door, Intake
from typecase.serve.jobs import JobStore
from typecase.serve.keys import Keys
from typecase.serve.metrics import Metrics
from typecase.serve.openapi import describe
from typecase.serve.pool import Pool
from typecase.serve.problems import handle_problems
from typecase.serve.runner import JobRunner
from typecase.serve.settings import ServeSettings
from typecase.serve.state import Service
from typecase.serve.worker import Opening

PAGE = Path(__file__).parent / "page"
"""The files of the page, served as they are."""


def create_app(settings: ServeSettings) -> FastAPI:
    """Puts a service together; its workers start with the app's lifespan and end with it.

    Args:
        settings: What it is told.

    Raises:
        OutputError: The folder of jobs cannot be used.
        UsageError: The file of keys cannot be read, or another service uses the folder of jobs.
    """
    metrics = Metrics()
    opening = Opening(settings.language, settings.model, settings.max_pixels)
    pool = Pool(opening, settings.workers, settings.queue, settings.timeout)
    metrics.watch(pool)
    keys = None if settings.keys_file is None else Keys(settings.keys_file)
    store = JobStore(settings.jobs_folder, settings.keep_hours * 3600, settings.max_jobs)
    runner = JobRunner(store, pool, metrics, settings.max_job_pages)
    service = Service(settings, pool, store, runner, metrics, keys)

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        await pool.start()
        await runner.start()
        try:
            yield
        finally:
            runner.stop_listening()
            await pool.close(settings.grace)
            await runner.close()
            store.close()

    # No documentation page of FastAPI's: it would fetch scripts from elsewhere.
    app = FastAPI(title="typecase", version=__version__, lifespan=running, docs_url=None, redoc_url=None)
    app.state.service = service
    handle_problems(app)
    app.include_router(routes_read.router)
    app.include_router(routes_jobs.router)
    app.include_router(routes_status.router)

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-cache"})

    app.mount("/page", _Page(directory=PAGE), name="page")
    app.openapi = describe(app)  # type: ignore[method-assign]

    # The last one added is the first one asked.
    app.add_middleware(Intake, settings=settings)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-File-Name", "Last-Event-ID"],
            expose_headers=["Location", "Retry-After", "Content-Disposition"],
        )
    app.add_middleware(Door, settings=settings)
    app.add_middleware(AnswerHeaders, metrics=metrics, shared=bool(settings.origins))
    return app


class _Page(StaticFiles):
    """The page's files; a browser asks each time whether they have changed, for they change with the program."""

    def file_response(self, *arguments: object, **more: object) -> object:  # type: ignore[override]
        response = super().file_response(*arguments, **more)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "no-cache"
        return response
