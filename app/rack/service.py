"""The rack on its own thread: one asyncio loop, reached from any other thread."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from app.core.assets import ASSETS
from app.core.assignment import Assignment
from app.core.clock import Clock, SystemClock
from app.core.errors import BadInputError, ShardloomError
from app.core.facts import Fact
from app.core.identifiers import RequestId
from app.core.nursery import Nursery
from app.placement.problem import Objective, Prediction
from app.rack.commands.command import Command, Result
from app.rack.dispatch import carry_out
from app.rack.door.door import Door
from app.rack.door.messages import Welcome
from app.rack.events.recorder import SNAPSHOT_INTERVAL_S, Recorder, Recording
from app.rack.events.request_log import RequestStream
from app.rack.home import Home, HomeLock
from app.rack.options import DEFAULT_OBJECTIVE, RackOptions
from app.rack.phones.opening import open_phones
from app.rack.rack import Rack
from app.rack.replay.recording import RECORDED_INTERVAL_S, StreamRecording
from app.rack.snapshot import ModelChoice, Phase, RackSnapshot, Samples
from app.rack.snapshot_builder import SnapshotBuilder
from app.telemetry.history import History, Metric, Window
from workers.version import VERSION

LOOK_INTERVAL_S = 1 / 15
QUIET_INTERVAL_S = 0.5
_log = logging.getLogger("shardloom.rack")


class RackService:
    """A `RackControl` over a service thread that it owns."""

    def __init__(self, options: RackOptions, assets: Path, clock: Clock) -> None:
        self._options = options
        self._assets = assets
        self._clock = clock
        self._listeners: list[Callable[[RackSnapshot], None]] = []
        self._listeners_lock = Lock()
        self._rack: Rack | None = None
        self._dirty = True
        self._closing = False
        self._loop = asyncio.new_event_loop()
        self._nursery = Nursery(clock)
        self._wake: asyncio.Event = asyncio.Event()
        self._made: Future[Rack] = Future()
        self._opened: Future[Rack] = Future()
        self._newest = _empty_snapshot(options, Phase.STARTING, (), clock.monotonic_s())
        interval_s = RECORDED_INTERVAL_S if options.record else SNAPSHOT_INTERVAL_S
        self._recorder = Recorder(clock, interval_s)
        self._lock = HomeLock(Home(options.home))
        self._door: Door | None = None
        self._recording: StreamRecording | None = None
        self._thread = Thread(target=self._run, name="service", daemon=True)
        self._thread.start()

    def subscribe(self, listener: Callable[[RackSnapshot], None]) -> Callable[[], None]:
        """Call the listener on the service thread with each new snapshot; returns the undo."""
        with self._listeners_lock:
            self._listeners.append(listener)

        def unsubscribe() -> None:
            with self._listeners_lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return unsubscribe

    def snapshot(self) -> RackSnapshot:
        """Return the newest snapshot; it shows what every settled command did."""
        return self._newest

    def samples(self) -> Samples:
        """Return the graph points of the last minute, oldest first."""
        return self._rack.telemetry.samples() if self._rack else {}

    def history(self, metric: Metric, window: Window) -> History:
        """Return one figure of every phone over a longer time, oldest first."""
        if self._rack is None:
            return {}
        return self._rack.telemetry.history.points(metric, window, self._clock.monotonic_s())

    def models(self) -> tuple[ModelChoice, ...]:
        """Return the imported models."""
        return self._rack.models() if self._rack else ()

    def predict(self, assignment: Assignment) -> Prediction | None:
        """Predict at once, in the caller's thread."""
        return self._rack.assigner.predict(assignment) if self._rack else None

    def do(self, command: Command[Result]) -> Future[Result]:
        """Carry out a command on the service thread."""
        given = self._recorder.command_given(command)
        done = asyncio.run_coroutine_threadsafe(self._act(command), self._loop)
        done.add_done_callback(lambda ended: self._recorder.command_ended(given, _failure(ended)))
        return done

    def follow(self, request: RequestId, after: int = 0) -> RequestStream:
        """Return a stream of a request's own events, those there were included."""
        known = self._rack.request_queue.requests.get(request) if self._rack else None
        if known is None:
            raise BadInputError("request.unknown", request=request)
        return RequestStream(known.log, after)

    def events(self, since: int = 0) -> Recording:
        """Return what was recorded after a sequence."""
        return self._recorder.since(since)

    def close(self) -> Future[None]:
        """Stop everything and end the service thread."""
        finished: Future[None] = Future()

        def wait() -> None:
            with suppress(RuntimeError):  # the loop has ended: it was closed before
                self._loop.call_soon_threadsafe(self._begin_closing)
            self._thread.join()
            finished.set_result(None)

        Thread(target=wait, name="closing", daemon=True).start()
        return finished

    async def _act(self, command: Command[Result]) -> Result:
        ready = self._made if command.while_opening else self._opened
        with self._nursery.adopted():
            rack = await asyncio.shield(asyncio.wrap_future(ready))
            try:
                return await carry_out(rack, command)
            finally:
                self._newest = self._builder.build()

    def _begin_closing(self) -> None:
        self._closing = True
        self._wake.set()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._nursery.start(self._start(), "opening of the rack")
        try:
            await self._publish_until_closed()
        finally:
            await self._nursery.close()
            await self._stop()

    async def _start(self) -> None:
        try:
            await asyncio.to_thread(Home(self._options.home).prepare)
            self._lock.acquire()
            if self._options.lets_terminals_in:
                await asyncio.to_thread(self._open_door)
            opened = await asyncio.to_thread(
                open_phones,
                self._options.rack,
                Home(self._options.home),
                self._assets,
                beside_a_window=self._options.beside_a_window,
            )
            self._rack = Rack(
                self._options, opened, self._assets, self._clock, self._mark_dirty, self._recorder
            )
            self._builder = SnapshotBuilder(self._rack, self._clock)
            if self._options.record is not None:
                self._record(self._options.record, self._rack)
            self._made.set_result(self._rack)
            await self._rack.start()
            self._opened.set_result(self._rack)
        except ShardloomError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - shown to the person, logged with its trace
            _log.exception("the rack could not be opened")
            self._fail(ShardloomError("rack.opening_failed", reason=str(error)))

    def _record(self, path: Path, rack: Rack) -> None:
        self._recording = StreamRecording(path, self._recorder)
        self._nursery.start(self._recording.run(self._clock, rack.timeline), "the recording")

    def _open_door(self) -> None:
        options = self._options
        welcome = Welcome(
            version=VERSION,
            rack=options.rack,
            context_tokens=options.context_tokens,
            boundary=options.boundary,
            slots=options.slots,
            balancing=options.balancing,
            pause_limit_s=options.pause_limit_s,
            lookup=options.lookup,
        )
        self._door = Door(self, Home(options.home), welcome, self._clock)

    def _fail(self, error: ShardloomError) -> None:
        if self._rack is None:
            self._made.set_exception(error)
            now_s = self._clock.monotonic_s()
            self._newest = _empty_snapshot(self._options, Phase.FAILED, (error.fact,), now_s)
            self._tell(self._newest)
        else:
            self._rack.failure = error.fact
        self._opened.set_exception(error)
        self._mark_dirty()

    def _mark_dirty(self) -> None:
        self._dirty = True

    async def _publish_until_closed(self) -> None:
        published_s = 0.0
        while not self._closing:
            now_s = self._clock.monotonic_s()
            if self._rack and (self._dirty or now_s - published_s > QUIET_INTERVAL_S):
                self._dirty = False
                published_s = now_s
                self._newest = self._builder.build()
                self._tell(self._newest)
            try:
                async with self._clock.timeout(LOOK_INTERVAL_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _tell(self, snapshot: RackSnapshot) -> None:
        self._recorder.snapshot(snapshot)
        with self._listeners_lock:
            listeners = list(self._listeners)
        for listener in listeners:
            try:
                listener(snapshot)
            except Exception:  # noqa: BLE001 - one listener must not silence the others
                _log.exception("a listener failed")

    async def _stop(self) -> None:
        if self._recording is not None:
            with suppress(OSError):  # it was told when the disk took no more
                await self._recording.finish()
        if self._door is not None:
            await asyncio.to_thread(self._door.close)
        if self._rack is not None:
            try:
                await self._rack.stop()
            except Exception:  # noqa: BLE001 - the rest must still be stopped
                _log.exception("the rack did not stop cleanly")
            self._rack.request_queue.close_logs()
        self._lock.release()
        now_s = self._clock.monotonic_s()
        self._newest = _empty_snapshot(self._options, Phase.STOPPED, (), now_s)
        self._tell(self._newest)


def _failure(ended: Future[Any]) -> Fact | None:
    """Return why a command was not carried out; None where it was."""
    if ended.cancelled():
        return Fact("command.cancelled")
    error = ended.exception()
    if error is None or isinstance(error, ShardloomError):
        return error.fact if error else None
    return Fact("command.failed", error=str(error) or type(error).__name__)


def _empty_snapshot(
    options: RackOptions, phase: Phase, notices: tuple[Fact, ...], at_s: float
) -> RackSnapshot:
    return RackSnapshot(
        sequence=0,
        at_s=at_s,
        phase=phase,
        rack_name=options.rack or "",
        notices=notices,
        model=None,
        phones=(),
        objective=Objective(options.objective or DEFAULT_OBJECTIVE),
        pins=(),
        requested=None,
        applied=None,
        prediction=None,
        plan=None,
        requests=(),
        timeline=(),
        ledger=None,
        tokens_per_second=None,
    )


def open_rack(options: RackOptions, assets: Path = ASSETS) -> RackService:
    """Open a rack and return at once; its snapshots tell how it goes."""
    return RackService(options, assets, SystemClock())
