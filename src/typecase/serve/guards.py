"""What stands before every request: who may ask, how much may come, how fast, and what each answer says of itself.

These are plain ASGI wrappers: they see a body piece by piece as it comes, which Starlette's own middleware does not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, MutableMapping
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from typecase.serve.metrics import Metrics
from typecase.serve.problems import Problem
from typecase.serve.settings import LOOPBACK, ServeSettings

_HEADERS = {
    # Scripts, styles and pictures of the page come from here or are made in it; nothing goes anywhere else. Assigning
    # text as HTML is forbidden to scripts as a whole, so that what was read can never become a part of the page.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class AnswerHeaders:
    """Gives every answer its security headers, and counts it."""

    def __init__(self, app: ASGIApp, metrics: Metrics, shared: bool) -> None:
        """Wraps an app.

        Args:
            app: What answers.
            metrics: Where answers are counted.
            shared: Whether pages of other sites may use the answers.
        """
        self._app = app
        self._metrics = metrics
        resources = "cross-origin" if shared else "same-origin"
        self._headers = [
            (name.encode(), value.encode())
            for name, value in {**_HEADERS, "cross-origin-resource-policy": resources}.items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.monotonic()

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *self._headers]
                if b"cache-control" not in present:
                    message["headers"].append((b"cache-control", b"no-store"))
                self._metrics.answered(scope, message["status"], time.monotonic() - begun)
            await send(message)

        await self._app(scope, receive, with_headers)


class Door:
    """Refuses what browsers send on behalf of other sites.

    A page of any site may let its visitor's browser ask a service on the visitor's own machine. It cannot read the
    answer, unless its name is made to lead here (DNS rebinding), so the name that was asked for is looked at too.
    """

    def __init__(self, app: ASGIApp, settings: ServeSettings) -> None:
        """Wraps an app."""
        self._app = app
        self._origins = frozenset(settings.origins)
        # Whoever listens to the whole network is known there by names that we do not know.
        known = {*LOOPBACK, settings.host, *settings.hosts}
        self._hosts = known if settings.host in LOOPBACK or settings.hosts else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] == "http":
            problem = self._problem(dict(scope["headers"]), scope["path"])
            if problem is not None:
                await problem.response()(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _problem(self, headers: MutableMapping[bytes, bytes], path: str) -> Problem | None:
        host = headers.get(b"host", b"").decode("latin-1")
        if self._hosts is not None and _host_name(host) not in self._hosts:
            return Problem(
                403,
                "unknown-host",
                "This service does not go by that name; its --allow-host can allow it.",
            )
        site = headers.get(b"sec-fetch-site", b"")
        origin = headers.get(b"origin", b"").decode("latin-1")
        if path.startswith("/v1/") and site in (b"cross-site", b"same-site") and origin not in self._origins:
            return Problem(
                403,
                "other-site",
                "Pages of other sites may not ask here; the service's --allow-origin can allow it.",
            )
        return None


class Intake:
    """Lets no request bring more than is allowed, nor take longer over it."""

    def __init__(self, app: ASGIApp, settings: ServeSettings) -> None:
        """Wraps an app."""
        self._app = app
        self._most = settings.max_body
        self._upload_timeout = settings.upload_timeout
        self._idle_timeout = settings.idle_timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        problem = self._announced_problem(scope["headers"])
        if problem is not None:
            # Whatever still comes is not waited for.
            problem.headers["Connection"] = "close"
            await problem.response()(scope, receive, send)
            return
        received = 0
        complete = False
        end = time.monotonic() + self._upload_timeout

        async def limited() -> Message:
            nonlocal received, complete
            if complete:
                # What comes after the body is only that the caller has gone.
                return await receive()
            seconds = min(self._idle_timeout, end - time.monotonic())
            try:
                message = await asyncio.wait_for(receive(), max(0.001, seconds))
            except TimeoutError:
                raise Problem(
                    408, "slow-upload", "The upload came too slowly; send it again.", {"Connection": "close"}
                ) from None
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                complete = not message.get("more_body", False)
                if received > self._most:
                    raise self._too_large()
            return message

        await self._app(scope, limited, send)

    def _announced_problem(self, headers: Iterable[tuple[bytes, bytes]]) -> Problem | None:
        for name, value in headers:
            if name == b"content-length" and value.isdigit() and int(value) > self._most:
                return self._too_large()
        return None

    def _too_large(self) -> Problem:
        return Problem(
            413,
            "too-large",
            f"The request is larger than {self._most / (1 << 20):g} MiB; send less at once.",
            {"Connection": "close"},
        )


def _host_name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
