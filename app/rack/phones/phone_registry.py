"""Who is in the rack: what discovery finds becomes phones, prepared once and again on return."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from app.core.device import DeviceState, Route
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.devices.discovery.discovery import Discovery
from app.devices.discovery.found_phone import FoundPhone
from app.rack.context import RackContext
from app.rack.phones.phone import Lifecycle, Phone, PhoneIdentity
from app.rack.phones.preparation import Preparer

_AWAY = frozenset({DeviceState.LOST, DeviceState.BUSY})
_UNPREPARED = frozenset({DeviceState.FOUND, DeviceState.UNAUTHORIZED, DeviceState.UNSUITABLE})


class PhoneRegistry:
    """Every phone ever seen by this rack, by serial. Lives on the service loop."""

    def __init__(
        self,
        context: RackContext,
        discovery: Discovery,
        preparer: Preparer,
        joined: Callable[[Phone], None],
    ) -> None:
        """Call `joined` with each phone that has become ready."""
        self.phones: dict[Serial, Phone] = {}
        self._discovery = discovery
        self._preparer = preparer
        self._changed = context.changed
        self._joined = joined
        self._nursery = context.nursery.child()
        self._preparing: dict[Serial, asyncio.Task[None]] = {}

    @property
    def notices(self) -> tuple[Fact, ...]:
        """What discovery has to say besides the phones, such as a silent adb server."""
        return self._discovery.notices

    @property
    def account(self) -> tuple[Fact, ...]:
        """Where phones were looked for and what each answered."""
        return self._discovery.account

    def listen(self, listener: Callable[[], None]) -> None:
        """Call the listener, on some other thread, when it is worth while to refresh."""
        self._discovery.listen(listener)

    async def begin(self) -> None:
        """Look for phones until all that answer are known, and begin to prepare them."""
        self._take_in(await asyncio.to_thread(self._discovery.poll))

    async def refresh(self) -> None:
        """Take in the news, begin to prepare phones that are new or back, look for more."""
        self._take_in(await asyncio.to_thread(self._discovery.look))

    def _take_in(self, everything: tuple[FoundPhone, ...]) -> None:
        self._forget_strangers({found.serial for found in everything})
        for place, found in enumerate(everything, start=1):
            self._consider(found, place)

    async def stop(self) -> None:
        """Stop preparing phones."""
        await self._nursery.close()

    def _forget_strangers(self, seen: set[Serial]) -> None:
        """Drop addresses that stood for phones whose serial is known by now."""
        for phone in list(self.phones.values()):
            stranger = phone.identity.description is None and phone.serial not in self._preparing
            if stranger and phone.serial not in seen:
                del self.phones[phone.serial]
                self._changed()

    def _consider(self, found: FoundPhone, place: int) -> None:
        phone = self.phones.get(found.serial)
        if phone is None:
            identity = PhoneIdentity(found.serial, self._free_position(place))
            phone = Phone(identity, Lifecycle(found.state, found.reason))
            self.phones[found.serial] = phone
            self._changed()
        if found.serial in self._preparing:
            return
        if found.state in _AWAY:
            phone.connection.away = True
        if found.state is not DeviceState.FOUND:
            self._note_waiting(phone, found)
        elif phone.state in _UNPREPARED or phone.connection.is_other_than(found.way):
            phone.connection.away, phone.connection.way = False, found.way
            self._prepare(phone, found)

    def _note_waiting(self, phone: Phone, found: FoundPhone) -> None:
        """Say why it cannot be used, unless it has a worker or is just being made ready."""
        before = phone.state, phone.lifecycle.reason
        idle = phone.client is None and not phone.making_ready.locked()
        reason = found.reason
        if idle and before != (found.state, reason):
            phone.enter(found.state, reason)
            self._changed()

    def _free_position(self, place: int) -> int:
        taken = {phone.position for phone in self.phones.values()}
        return place if place not in taken else max(taken) + 1

    def _prepare(self, phone: Phone, found: FoundPhone) -> None:
        work = self._prepare_and_announce(phone, found)
        task = self._nursery.start_soon(work, f"preparing {phone.name}")
        self._preparing[phone.serial] = task
        task.add_done_callback(lambda _task: self._preparing.pop(phone.serial, None))

    async def _prepare_and_announce(self, phone: Phone, found: FoundPhone) -> None:
        if phone.usable and _is_reached_directly(phone):
            await self._preparer.reconnect(phone, found)
            return
        await self._preparer.prepare(phone, found)
        if phone.usable:
            self._joined(phone)


def _is_reached_directly(phone: Phone) -> bool:
    """Tell whether its worker is at hand whatever becomes of its ADB connection."""
    return phone.client is not None and not phone.client.lost and phone.worker.route is Route.DIRECT
