"""Runs the service: listens, and stops in good order."""

from __future__ import annotations

import asyncio
import socket
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from typecase.errors import UsageError
from typecase.serve.app import create_app
from typecase.serve.settings import ServeSettings
from typecase.serve.state import Service

_BACKLOG = 512
_KEEP_ALIVE_SECONDS = 15


class PunctualProtocol(H11Protocol):
    """Closes a connection over which no head of a request comes in time.

    Uvicorn waits for one as long as the caller likes, so that a few thousand idle connections would keep others out.

    Attributes:
        head_seconds: How long it may take.
    """

    head_seconds = 10.0
    _clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Starts the clock."""
        super().connection_made(transport)
        self._restart()

    def data_received(self, data: bytes) -> None:
        """Stops the clock while a request is being answered."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop()
        elif self._clock is None:
            self._restart()

    def on_response_complete(self) -> None:
        """Waits for the next request as long as connections are kept."""
        super().on_response_complete()
        if self.cycle is None or self.cycle.response_complete:
            self._stop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the clock for good."""
        self._stop()
        super().connection_lost(exc)

    def _restart(self) -> None:
        self._clock = self.loop.call_later(self.head_seconds, self._too_late)

    def _stop(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _too_late(self) -> None:
        self._clock = None
        if self.transport is not None and not self.transport.is_closing():
            self.transport.abort()


class Server(uvicorn.Server):
    """Lets streams of events end when the service stops; uvicorn would wait for them for ever."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begins to stop."""
        service: Service = self.config.app.state.service  # type: ignore[union-attr]
        service.runner.stop_listening()
        super().handle_exit(sig, frame)


def open_socket(host: str, port: int) -> socket.socket:
    """Takes an address to listen on, before anything else is begun.

    Raises:
        UsageError: It is taken, or none of this machine's.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((host, port))
            # From here on connections wait to be taken, and are not refused.
            listening.listen(_BACKLOG)
        except BaseException:
            listening.close()
            raise
    except (OSError, OverflowError, UnicodeError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise UsageError(
            f"Nothing can listen on {host}, port {port} ({reason}); choose another one (--host, --port)."
        ) from None
    listening.set_inheritable(True)
    return listening


def serve(settings: ServeSettings, listening: socket.socket) -> None:
    """Serves until it is told to stop by Ctrl-C or SIGTERM; what is being read then is finished.

    Args:
        settings: What the service is told.
        listening: Where it listens.

    Raises:
        TypecaseError: The models cannot be opened, or the jobs not be kept.
    """
    app = create_app(settings)

    class Protocol(PunctualProtocol):
        head_seconds = min(PunctualProtocol.head_seconds, settings.upload_timeout)

    config = uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # Whoever puts a proxy before this decides there who the caller is; nothing here depends on it.
        proxy_headers=False,
        backlog=_BACKLOG,
        limit_concurrency=max(200, 4 * settings.queue),
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(settings.grace)),
    )
    server = Server(config)
    failures: list[Exception] = []

    def give_up(error: Exception) -> None:
        failures.append(error)
        server.should_exit = True

    service: Service = app.state.service
    service.pool.on_hopeless = give_up
    server.run(sockets=[listening])
    if failures:
        raise failures[0]
