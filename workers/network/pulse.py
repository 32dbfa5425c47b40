"""The heartbeat, from a thread of its own so that it goes on while a step computes."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import zmq

from workers.engine.processor import resident_bytes
from workers.protocol.codec import encode
from workers.protocol.told import Heartbeat

INTERVAL_S = 0.5
INTERVAL_AT_WORK_S = 0.2
"""While a transaction is open: so much later a phone that hangs is found at most."""


@dataclass(frozen=True)
class Holdings:
    """What is loaded and open; replaced whole, never changed."""

    kv_bytes: int = 0
    spans: tuple[str, ...] = ()
    transactions: tuple[str, ...] = ()


class ActivityBoard:
    """Where the main thread posts its activity and the pulse reads it."""

    def __init__(self) -> None:
        self.holdings = Holdings()
        self.busy_since_s: float | None = None

    def start_step(self) -> None:
        """Note when a step began computing, for heartbeats to tell how long it takes."""
        self.busy_since_s = time.monotonic()

    def finish_step(self) -> None:
        """Say that the step is over."""
        self.busy_since_s = None

    def post_holdings(
        self, kv_bytes: int, spans: tuple[str, ...], transactions: tuple[str, ...]
    ) -> None:
        """Say what is loaded and open."""
        self.holdings = Holdings(kv_bytes, spans, transactions)


class PulsePublisher:
    """Publishes heartbeats until stopped; owns its socket while it runs."""

    def __init__(self, socket: zmq.Socket[bytes], serial: str, board: ActivityBoard) -> None:
        self._socket = socket
        self._serial = serial
        self._board = board
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="pulse", daemon=True)

    def start(self) -> None:
        """Start beating."""
        self._thread.start()

    def stop(self) -> None:
        """Stop beating and close the socket."""
        self._stopping.set()
        self._thread.join()

    def _beat_on(self) -> None:
        sequence = 0
        while not self._stopping.wait(self._interval_s):
            sequence += 1
            self._socket.send_multipart(encode(self._heartbeat(sequence)))
        self._socket.close(0)

    @property
    def _interval_s(self) -> float:
        return INTERVAL_AT_WORK_S if self._board.holdings.transactions else INTERVAL_S

    def _heartbeat(self, sequence: int) -> Heartbeat:
        holdings, busy_since_s = self._board.holdings, self._board.busy_since_s
        busy_ms = 0.0 if busy_since_s is None else (time.monotonic() - busy_since_s) * 1000
        return Heartbeat(
            serial=self._serial,
            sequence=sequence,
            resident_bytes=resident_bytes(),
            kv_bytes=holdings.kv_bytes,
            busy_ms=busy_ms,
            spans=holdings.spans,
            transactions=holdings.transactions,
        )
