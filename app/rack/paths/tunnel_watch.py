"""Tunnels that somebody else removed while the phone stayed connected, put back as they were.

`adb reverse --remove-all` and `adb forward --remove-all` take away every program's. What went
through goes on, but no connection can be made anew until the port is there again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import Final

from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.devices.errors import PhoneRefusedError
from app.rack.context import RackContext
from app.rack.phones.phone import Phone
from app.rack.snapshot import TimelineKind

LOOK_INTERVAL_S: Final = 2.0
_log = logging.getLogger("shardloom.rack")


class TunnelWatch:
    """Asks every phone that has tunnels whether they stand. Lives on the service loop."""

    def __init__(
        self,
        context: RackContext,
        phones: Collection[Phone],
        forget_ways: Callable[[Phone], None],
    ) -> None:
        """`phones` is a view of all phones.

        `forget_ways` is called for a phone whose tunnels cannot be put back as they were.
        """
        self._pool = context.pool
        self._timeline = context.timeline
        self._phones = phones
        self._forget_ways = forget_ways

    async def look(self) -> None:
        """Put back what is missing of every phone's tunnels."""
        await asyncio.gather(*(self.look_at(phone) for phone in tuple(self._phones)))

    async def look_at(self, phone: Phone) -> None:
        """Put back what is missing of a phone's tunnels; a phone that is away is passed over."""
        link = phone.link
        if link is None or phone.connection.away:
            return
        try:
            missing = await self._pool.run(link.mend_tunnels)
        except PhoneRefusedError as error:
            self._forget_ways(phone)
            told = Fact("path.tunnel_removed", phone=phone.name)
            self._timeline.add(TimelineKind.INFO, told, phone.serial)
            _log.info("%s", error)
        except ShardloomError as error:
            _log.info("%s: its tunnels were not looked at: %s", phone.serial, error)
        else:
            if missing:
                told = Fact("path.tunnel_back", phone=phone.name)
                self._timeline.add(TimelineKind.INFO, told, phone.serial)
