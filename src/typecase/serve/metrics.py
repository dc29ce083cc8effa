"""What the service counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import Scope

from typecase import __version__
from typecase.serve.pool import Pool

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """The numbers of one service; of its own, so that several may live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        labels = ("method", "route", "status")
        self._requests = Counter("typecase_requests", "Answered requests.", labels, registry=self.registry)
        self._seconds = Histogram(
            "typecase_request_seconds",
            "Seconds until a request's answer begins.",
            ("method", "route"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._work = Histogram(
            "typecase_work_seconds", "Seconds that workers took for a call.", buckets=_SECONDS, registry=self.registry
        )
        self.pages = Counter("typecase_pages", "Pages that were read.", registry=self.registry)
        self.jobs = Gauge("typecase_jobs", "Jobs that are not finished.", registry=self.registry)
        Gauge("typecase_info", "The version.", ("version",), registry=self.registry).labels(__version__).set(1)

    def watch(self, pool: Pool) -> None:
        """Lets the numbers of a pool be told too."""
        gauges = {
            "workers_ready": ("Workers that have opened their models.", lambda: pool.ready),
            "workers_busy": ("Workers that are at work.", lambda: pool.busy),
            "queue_length": ("Calls that wait for a worker.", lambda: pool.waiting),
            "worker_restarts": ("Workers that had to be started anew.", lambda: pool.restarts),
        }
        for name, (text, value) in gauges.items():
            Gauge(f"typecase_{name}", text, registry=self.registry).set_function(value)
        pool.on_done = self._work.observe

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        """Counts an answer."""
        route = scope.get("route")
        # The pattern and not the path: a label for each job would grow for ever, and a job's name is a secret.
        name = getattr(route, "path", None) or "none"
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._requests.labels(method, name, str(status)).inc()
        self._seconds.labels(method, name).observe(seconds)

    def exposition(self) -> bytes:
        """All numbers in Prometheus' text format."""
        return generate_latest(self.registry)


_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
