"""The phones of the rack under watch: greeted, read, lost, started again, let go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial

from app.core.device import DeviceState, PhoneInspection, standing
from app.core.errors import BadInputError, PhoneLostError, ShardloomError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.core.vitals import VITALS_INTERVAL_S
from app.devices.condition.inspection import inspect_phone
from app.devices.deployment.deployment import Deployer
from app.devices.deployment.phone_care import PhoneCare
from app.devices.deployment.worker_host import PhoneHold
from app.devices.discovery.discovery import Discovery
from app.rack.context import RackContext
from app.rack.phones.phone import Phone
from app.rack.phones.phone_registry import PhoneRegistry
from app.rack.phones.preparation import Preparer
from app.rack.phones.vitals_watch import VitalsWatch
from app.rack.phones.watchdog import Watchdog
from app.rack.phones.worker_handshake import let_go
from app.rack.snapshot import TimelineKind
from app.telemetry.samples import TelemetryStore
from workers.protocol.commands import Stop

LOOK_INTERVAL_S = 0.25
"""Between looks at addresses and cables; what brings news by itself is heard at once."""
WATCH_INTERVAL_S = 0.25
PROMOTION_INTERVAL_S = 0.5
GREETING_INTERVAL_S = 10.0
HELD_INTERVAL_S = 3.0
"""Between looks whether a phone works for another control centre still."""
SETTLED_TIMEOUT_S = 60.0
SETTLING_INTERVAL_S = 0.05
CUT_OFF_KNOWN_WITHIN_S = 2.0
"""After a link has failed discovery has seen by then that the phone, or its server, is gone."""
ACCEPTANCE_TIMEOUT_S = 5.0
"""How long an opening rack waits for a person to accept this computer on a phone."""
STOP_TIMEOUT_S = 3.0
TOLD = 6
"""Phones and places that are told of where none can be used."""
_log = logging.getLogger("shardloom.rack")

Listener = Callable[[Phone], None]


class Fleet:
    """Watches the phones of the roster. Lives on the service loop."""

    def __init__(
        self,
        context: RackContext,
        discovery: Discovery,
        preparer: Preparer,
        telemetry: TelemetryStore,
    ) -> None:
        self.preparer = preparer
        self._registry = PhoneRegistry(context, discovery, preparer, self._announce_joined)
        self._telemetry = telemetry
        self._pool = context.pool
        self._timeline = context.timeline
        self._clock = context.clock
        self._changed = context.changed
        self._patience = context.patience
        self._nursery = context.nursery.child()
        self._vitals = VitalsWatch(context, telemetry.history)
        self._watchdog = Watchdog(context, self._revive)
        self._news = asyncio.Event()
        self._returned = asyncio.Event()
        self.joined = 0
        """How often a phone has become ready."""
        self._on_lost: list[Listener] = []
        self._on_joined: list[Listener] = []

    @property
    def phones(self) -> dict[Serial, Phone]:
        """Every phone ever seen, by serial."""
        return self._registry.phones

    def phone(self, serial: Serial) -> Phone:
        """Return that phone. Raises `BadInputError` where there is none."""
        try:
            return self.phones[serial]
        except KeyError:
            raise BadInputError("rack.no_such_phone", phone=serial) from None

    @property
    def notices(self) -> tuple[Fact, ...]:
        """What discovery has to say besides the phones."""
        return self._registry.notices

    def name_of(self, serial: Serial) -> str:
        """Return what a phone of this rack is called."""
        return self.phones[serial].name

    @property
    def account(self) -> tuple[Fact, ...]:
        """Where phones were looked for and how each stands that cannot be used."""
        unusable = [phone for phone in self.phones.values() if not phone.usable]
        unusable.sort(key=lambda phone: phone.position)
        told = [standing(each.serial, each.state, each.lifecycle.reason) for each in unusable]
        every = tuple(dict.fromkeys((*told, *self._registry.account)))
        left = len(every) - TOLD
        return (*every[:TOLD], *([Fact("rack.more_untold", count=left)] if left > 0 else []))

    @property
    def usable(self) -> list[Phone]:
        """Phones layers may be given to, in rack order."""
        phones = sorted(self.phones.values(), key=lambda phone: phone.position)
        return [phone for phone in phones if phone.usable and phone.profile is not None]

    def on_lost(self, listener: Listener) -> None:
        """Call the listener when a usable phone stops answering."""
        self._on_lost.append(listener)

    def on_joined(self, listener: Listener) -> None:
        """Call the listener when a phone has become ready."""
        self._on_joined.append(listener)

    async def start(
        self, certain: Callable[[], Iterable[str]], coming: Callable[[], bool] = lambda: False
    ) -> None:
        """Find the first phones and wait until each is ready, has failed or waits for a person.

        At the `certain` addresses somebody is sure to answer: they are waited for, once no more of
        them are `coming`. Raises what `coming` raises.
        """
        loop = asyncio.get_running_loop()
        self._registry.listen(partial(_wake, loop, self._news))
        await self._registry.begin()
        for look, name, interval_s in (
            (self._follow_news, "the search for phones", 0.0),
            (self._watch, "the watch over workers", WATCH_INTERVAL_S),
            (self._promote, "the start of phones that stand by", PROMOTION_INTERVAL_S),
            (self._read_vitals, "the reading of vitals", VITALS_INTERVAL_S),
            (self._greet, "the greeting of workers", GREETING_INTERVAL_S),
            (self._ask_held, "the asking of phones in use elsewhere", HELD_INTERVAL_S),
        ):
            self._nursery.watch(look, name, interval_s)
        while coming():
            await self._clock.sleep(SETTLING_INTERVAL_S)
        addresses, started_s = frozenset(map(Serial, certain())), self._clock.monotonic_s()
        while not self._settled(self._clock.monotonic_s() - started_s, addresses):
            await self._clock.sleep(SETTLING_INTERVAL_S)

    async def stop(self) -> None:
        """Stop every worker and let go of every phone, also where one is a surprise."""
        self._registry.listen(lambda: None)
        await self._nursery.close()
        await self._vitals.stop()
        await self._registry.stop()
        await self._watchdog.stop()
        phones = list(self.phones.values())
        ends = await asyncio.gather(*map(self._release, phones), return_exceptions=True)
        for phone, end in zip(phones, ends, strict=True):
            if end is not None:
                _log.error("%s: it was not let go of as it should be", phone.serial, exc_info=end)

    def mark_lost(self, phone: Phone, reason: Fact) -> None:
        """Note that a phone cannot be used; said once, and not of one being made ready."""
        if phone.state in {DeviceState.LOST, DeviceState.PREPARING}:
            return
        phone.enter(DeviceState.LOST, reason)
        silent_s = phone.client.silent_s if phone.client else 0.0
        phone.lost_at_s = self._clock.monotonic_s() - silent_s
        if phone.client is not None:
            phone.worker.may_go_on = phone.client.lost or phone.client.hangs
            phone.client.give_up()
        self._timeline.add(TimelineKind.ERROR, reason, phone.serial)
        self.preparer.places.give_back(phone.serial)
        self._watchdog.worker_lost(phone)
        self._changed()

    def set_aside(self, phone: Phone, reason: Fact) -> None:
        """Use a phone no more until it was asked for its key again; its worker is taken up."""
        self.mark_lost(phone, reason)
        phone.worker.may_go_on = phone.worker.may_go_on or phone.state is DeviceState.LOST

    async def relaunch(self, phone: Phone) -> None:
        """Start a new worker on a phone; the one it had is ended."""
        await self.preparer.launch(phone)
        self._announce_joined(phone)

    async def _revive(self, phone: Phone) -> bool:
        taken_up = await self.preparer.revive(phone)
        if not taken_up:
            told = Fact("phone.revived", phone=phone.name)
            self._timeline.add(TimelineKind.INFO, told, phone.serial)
        self._announce_joined(phone)
        return taken_up

    async def wait_for_return(self, serials: Iterable[Serial], patience_s: float) -> bool:
        """Wait until one of the lost phones, or one that stood by, is usable; tell whether one is.

        Returns at once where none of them comes back by itself and nobody stands by.
        """
        lost = [self.phones[serial] for serial in serials if not self.phones[serial].usable]
        lost += [phone for phone in self.phones.values() if phone.state is DeviceState.STANDBY]
        if not any(map(self._may_return, lost)):
            return False
        with suppress(TimeoutError):
            async with self._clock.timeout(patience_s * self._patience):
                while not any(phone.usable for phone in lost):
                    self._returned.clear()
                    await self._returned.wait()
        return any(phone.usable for phone in lost)

    async def wait_until_joined(self, after: int, limit_s: float) -> None:
        """Wait until one more phone has become ready than `joined` was then, `limit_s` at most."""
        with suppress(TimeoutError):
            async with self._clock.timeout(limit_s):
                while self.joined == after:
                    self._returned.clear()
                    await self._returned.wait()

    def _may_return(self, phone: Phone) -> bool:
        if phone.state is DeviceState.STANDBY:
            return True
        ended = phone.state in {DeviceState.LOST, DeviceState.PREPARING} and phone.fault is None
        return ended and self._watchdog.may_restart(phone.serial)

    async def identify(self, serial: Serial) -> None:
        """Let a phone's screen blink. Raises `ShardloomError` where it cannot."""
        phone = self.phone(serial)
        async with phone.connection.lock:
            if phone.link is None:
                raise PhoneLostError("phone.not_connected", phone=phone.name)
            await self._pool.run(PhoneCare(phone.link, phone.serial).identify)

    async def inspect(self, serial: Serial) -> PhoneInspection:
        """Read a phone's logs and files. Raises `ShardloomError` where it does not answer."""
        phone = self.phone(serial)
        async with phone.connection.lock:
            if phone.link is None:
                raise PhoneLostError("phone.not_connected", phone=phone.name)
            return await self._pool.run(inspect_phone, phone.link)

    def _announce_joined(self, phone: Phone) -> None:
        """Tell the listeners, unless the ledger still holds the phone in jail."""
        if not phone.usable:
            return
        phone.lost_at_s = None
        self.joined += 1
        self._returned.set()
        for listener in self._on_joined:
            listener(phone)

    async def _follow_news(self) -> None:
        with suppress(TimeoutError):
            async with self._clock.timeout(LOOK_INTERVAL_S):
                await self._news.wait()
        self._news.clear()
        await self._registry.refresh()

    def _settled(self, elapsed_s: float, certain: frozenset[Serial]) -> bool:
        phones = self.phones.values()
        states = {phone.state for phone in phones}
        if elapsed_s > SETTLED_TIMEOUT_S * self._patience:
            return True
        if states & {DeviceState.FOUND, DeviceState.PREPARING}:
            return False
        if any(each.state is DeviceState.LOST and each.serial in certain for each in phones):
            return False
        if not self.usable and any(map(self._was_cut_off, phones)):
            return False
        return DeviceState.UNAUTHORIZED not in states or elapsed_s > ACCEPTANCE_TIMEOUT_S

    def _was_cut_off(self, phone: Phone) -> bool:
        """Tell whether it went while it was made ready and may be back as suddenly.

        So it is where an adb server is started again. Whether the phone is away is known a moment
        after its link has failed.
        """
        broken_off_at_s = phone.connection.broken_off_at_s
        if broken_off_at_s is None or phone.state is not DeviceState.LOST:
            return False
        soon_s = broken_off_at_s + CUT_OFF_KNOWN_WITHIN_S * self._patience
        return phone.connection.away or self._clock.monotonic_s() < soon_s

    def _watch(self) -> None:
        now_s = self._clock.monotonic_s()
        for phone in self.phones.values():
            client = phone.client
            if client is None or not phone.usable:
                continue
            if client.pulse is not None:
                self._telemetry.record_memory(phone.serial, now_s, client.pulse.resident_bytes)
            if client.lost:
                self.mark_lost(phone, Fact("phone.stopped_answering", phone=phone.name))
                for listener in self._on_lost:
                    listener(phone)

    def _promote(self) -> None:
        """Give free places for workers to phones that stand by, in rack order."""
        standing_by = [each for each in self.phones.values() if each.state is DeviceState.STANDBY]
        for phone in sorted(standing_by, key=lambda each: each.position):
            if phone.connection.away or not self.preparer.places.take(phone.serial):
                continue
            self._nursery.start_soon(self._start_standing_by(phone), f"start of {phone.name}")

    async def _start_standing_by(self, phone: Phone) -> None:
        try:
            await self.relaunch(phone)
        except ShardloomError as error:
            _log.warning("%s: its worker was not started: %s", phone.serial, error)

    def _read_vitals(self) -> None:
        self._vitals.look(self.phones.values())

    async def _greet(self) -> None:
        clients = [phone.client for phone in self.phones.values() if phone.client is not None]
        await asyncio.gather(
            *(client.call(self.preparer.hello()) for client in clients if not client.lost),
            return_exceptions=True,
        )

    async def _ask_held(self) -> None:
        """Let phones be made ready that another control centre has let go of."""
        for phone in [each for each in self.phones.values() if each.state is DeviceState.BUSY]:
            hold = phone.connection.hold
            if hold is None or phone.connection.away:
                continue
            others = await self._is_anothers(phone, hold)
            if not others and phone.state is DeviceState.BUSY:  # it may have been taken meanwhile
                phone.connection.away = True

    async def take(self, serial: Serial) -> None:
        """Take a phone from the control centre that it works for.

        Raises `BadInputError` for one that works for no other.
        """
        phone = self.phone(serial)
        if phone.state is not DeviceState.BUSY or phone.connection.hold is None:
            raise BadInputError("phone.not_held", phone=phone.name)
        phone.connection.may_take = phone.connection.away = True

    async def _is_anothers(self, phone: Phone, hold: PhoneHold) -> bool:
        """Ask a phone whether it works for another; one that does not answer does not."""
        try:
            async with self._clock.timeout(STOP_TIMEOUT_S * self._patience), phone.connection.lock:
                return await self._pool.run(hold.other) is not None
        except (ShardloomError, TimeoutError) as error:
            _log.info("%s: does not say whose it is: %s", phone.serial, _reason(error))
            return False

    async def _release(self, phone: Phone) -> None:
        hold, deployer = phone.connection.hold, phone.connection.deployer
        connected = deployer is not None and not phone.connection.away
        if not (connected and hold is not None and await self._is_anothers(phone, hold)):
            await self._end_worker(phone)
            if connected and deployer is not None:
                await self._let_sleep(phone, deployer)
        await let_go(phone)
        if phone.link is not None:
            await self._pool.run(phone.link.close)

    async def _end_worker(self, phone: Phone) -> None:
        """Ask the worker to stop; one that does not is ended over the phone's link."""
        try:
            async with self._clock.timeout(STOP_TIMEOUT_S * self._patience):
                if phone.client is not None and not phone.client.lost:
                    await phone.client.call(Stop(), STOP_TIMEOUT_S / 2)
                elif phone.connection.deployer is not None and not phone.connection.away:
                    async with phone.connection.lock:
                        await self._pool.run(phone.connection.deployer.stop)
        except (ShardloomError, TimeoutError) as error:
            _log.warning("%s: its worker was not seen to end: %s", phone.serial, _reason(error))

    async def _let_sleep(self, phone: Phone, deployer: Deployer) -> None:
        try:
            async with self._clock.timeout(STOP_TIMEOUT_S * self._patience), phone.connection.lock:
                await self._pool.run(deployer.care.let_sleep)
                if phone.connection.hold is not None:
                    await self._pool.run(phone.connection.hold.give_back)
        except (ShardloomError, TimeoutError) as error:
            reason = _reason(error)
            _log.warning("%s: whether it may sleep is as we set it: %s", phone.serial, reason)


def _reason(error: ShardloomError | TimeoutError) -> str:
    """Return what a line of the log says of an end that was not seen."""
    return str(error) or f"longer than {STOP_TIMEOUT_S:.0f} s"


def _wake(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    """Set an event of the loop from any thread."""
    loop.call_soon_threadsafe(event.set)
