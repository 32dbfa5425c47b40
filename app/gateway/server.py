"""The address: uvicorn on a thread and an event loop of its own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from threading import Thread
from typing import Final

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from app.core.clock import Clock
from app.core.errors import BadInputError, reason_of
from app.core.nursery import Nursery
from app.gateway.access.callers import Callers
from app.gateway.access.fair_queue import FairQueue
from app.gateway.access.keys import KeyStore
from app.gateway.activity import ActivityLog
from app.gateway.application import build_application
from app.gateway.context import GatewayContext, GatewaySettings, is_loopback
from app.gateway.metrics import GatewayMetrics
from app.rack.control import RackAccess
from app.rack.door.serving import ServeActivity

MOST_CONNECTIONS: Final = 1024
BACKLOG: Final = 256
MOST_HEADER_BYTES: Final = 32 << 10
HEAD_S: Final = 20.0
"""How long the head of a request may take."""
IDLE_S: Final = 30
"""How long a connection may rest between two requests."""
CLOSING_S: Final = 5
"""How long answers under way may take to end when the address closes."""
_OPENING_S: Final = 30.0


class Gateway:
    """Serves a rack until it is closed; the rack is somebody else's to open and close."""

    def __init__(
        self, control: RackAccess, keys: KeyStore, settings: GatewaySettings, clock: Clock
    ) -> None:
        """Open the address. Raises `BadInputError` where that cannot be done."""
        if not is_loopback(settings.host) and not any(key.valid for key in keys.all()):
            raise BadInputError("gateway.needs_key", host=settings.host)
        self._socket = _listen(settings.host, settings.port)
        self.address = _address_of(self._socket)
        self._end: Callable[[], None] = lambda: None
        queue = FairQueue(settings.places, clock)
        self._activity = ActivityLog(queue, clock)
        opened: Future[None] = Future()
        self._thread = Thread(
            target=lambda: _run(self._serve(control, keys, settings, clock, queue, opened), opened),
            name="gateway",
            daemon=True,
        )
        self._thread.start()
        opened.result(_OPENING_S)

    @property
    def listening(self) -> bool:
        """Whether it still answers."""
        return self._thread.is_alive()

    def activity(self) -> ServeActivity:
        """Return what is under way and what was refused; from any thread."""
        return self._activity.now()

    def close(self) -> None:
        """End answers under way and return once the address is free."""
        self._end()
        self._thread.join()
        self._socket.close()

    async def _serve(
        self,
        control: RackAccess,
        keys: KeyStore,
        settings: GatewaySettings,
        clock: Clock,
        queue: FairQueue,
        opened: Future[None],
    ) -> None:
        nursery = Nursery(clock)
        context = GatewayContext(
            settings=settings,
            control=control,
            clock=clock,
            nursery=nursery,
            callers=Callers(keys, clock, keys_needed=not is_loopback(settings.host)),
            queue=queue,
            metrics=GatewayMetrics(control.snapshot, lambda: queue.waiting),
            activity=self._activity,
            opened_s=clock.wall_ms() // 1000,
        )
        server = _Server(_config(context), opened)
        self._end = server.end
        try:
            await server.serve([self._socket])
        finally:
            await nursery.close()


class _Server(uvicorn.Server):
    """Tells once it listens."""

    def __init__(self, config: uvicorn.Config, opened: Future[None]) -> None:
        super().__init__(config)
        self._opened = opened

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._opened.set_result(None)

    def end(self) -> None:
        """Take nothing more, and end what is under way; from any thread."""
        self.should_exit = True


class _PromptProtocol(H11Protocol):
    """HTTP/1.1 that closes a connection whose request does not come; uvicorn would wait."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._look_at_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look_at_head()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._forget_deadline()

    def _look_at_head(self) -> None:
        """Give what begins HEAD_S in all, however slowly it trickles."""
        if self.conn.their_state is not h11.IDLE:
            self._forget_deadline()
        elif self._deadline is None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(HEAD_S, self.transport.close)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _config(context: GatewayContext) -> uvicorn.Config:
    return uvicorn.Config(
        build_application(context),
        http=_PromptProtocol,
        ws="none",
        lifespan="off",
        loop="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=CLOSING_S,
        h11_max_incomplete_event_size=MOST_HEADER_BYTES,
    )


def _run(serving: Coroutine[None, None, None], opened: Future[None]) -> None:
    """Run to the end; what prevents the opening is for whoever waits for that."""
    try:
        asyncio.run(serving)
    except Exception as error:
        if opened.done():
            raise
        opened.set_exception(error)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        reason = reason_of(error)
        raise BadInputError("gateway.not_listening", host=host, port=port, reason=reason) from None


def _address_of(listening: socket.socket) -> str:
    """Return the base of all addresses, such as `http://127.0.0.1:8080`."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
