"""An open rack as a terminal command sees it: wait for what it becomes, and always close it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.command_line.failures import complain
from app.core.device import DeviceState, standing
from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.rack.control import RackControl
from app.rack.options import RackOptions
from app.rack.service import open_rack
from app.rack.snapshot import Phase, RackSnapshot
from app.words.sentences import fact_text

READY_TIMEOUT_S = 300.0
COMMAND_TIMEOUT_S = 30.0
CLOSE_TIMEOUT_S = 60.0
"""Longer than the rack gives its phones: a command that ended before would leave them behind."""
SHOWN = 3
"""Phones with something to tell that are named when a rack fails."""
LEFT_OUT = frozenset(
    {
        DeviceState.LOST,
        DeviceState.UNAUTHORIZED,
        DeviceState.BUSY,
        DeviceState.UNSUITABLE,
        DeviceState.JAILED,
    }
)
"""How phones of the rack stand that cannot be used, whoever could do something about it."""
WORKING_PHASES = frozenset({Phase.READY, Phase.RUNNING, Phase.DEGRADED})


class RackSession:
    """The newest snapshot, and waiting on the calling thread for one that fits."""

    def __init__(self, control: RackControl) -> None:
        self.control = control
        self._changed = threading.Condition()
        with self._changed:
            self._unsubscribe = control.subscribe(self._take)
            self._newest = control.snapshot()

    @property
    def newest(self) -> RackSnapshot:
        """The newest snapshot."""
        with self._changed:
            return self._newest

    def wait_until(
        self, fits: Callable[[RackSnapshot], bool], timeout_s: float | None = None
    ) -> RackSnapshot:
        """Return the first snapshot that fits.

        Raises `ShardloomError` where the rack fails, stops or takes longer than `timeout_s`.
        """
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            while not fits(self._newest):
                _refuse_ended(self._newest)
                left_s = None if deadline_s is None else deadline_s - time.monotonic()
                if left_s is not None and left_s <= 0:
                    raise ShardloomError(_late(self._newest, timeout_s or 0.0))
                self._changed.wait(left_s)
            return self._newest

    def wait_until_ready(self) -> RackSnapshot:
        """Return the first snapshot in which the rack can take a request."""
        return self.wait_until(lambda rack: rack.phase in WORKING_PHASES, READY_TIMEOUT_S)

    def close(self) -> None:
        """Stop phones and settle the ledger. Raises `ShardloomError` where that takes too long."""
        self._unsubscribe()
        try:
            self.control.close().result(timeout=CLOSE_TIMEOUT_S)
        except TimeoutError:
            raise ShardloomError("rack.still_stopping", limit=CLOSE_TIMEOUT_S) from None

    def _take(self, snapshot: RackSnapshot) -> None:
        with self._changed:
            self._newest = snapshot
            self._changed.notify_all()


def tell_left_out(snapshot: RackSnapshot) -> None:
    """Say on standard error which phones of the rack are left out, and why, a line each."""
    for fact in left_out(snapshot):
        complain(fact_text(fact))


def left_out(snapshot: RackSnapshot) -> tuple[Fact, ...]:
    """Return each phone that cannot be used, with why, and each silent place."""
    phones = [
        Fact("rack.left_out", phone=standing(phone.serial, phone.state, phone.state_reason))
        for phone in snapshot.phones
        if phone.state in LEFT_OUT
    ]
    return (*phones, *snapshot.silent_places)


@contextmanager
def opened_rack(options: RackOptions) -> Iterator[RackSession]:
    """Open a rack for the length of a block; it is closed whatever happens in it."""
    session = RackSession(open_rack(options))
    try:
        yield session
    finally:
        session.close()


def _refuse_ended(snapshot: RackSnapshot) -> None:
    if snapshot.phase in (Phase.FAILED, Phase.STOPPED):
        telling = [phone for phone in snapshot.phones if phone.state_reason]
        notices = snapshot.notices or (Fact("rack.stopped"),)
        reasons = (standing(each.serial, each.state, each.state_reason) for each in telling)
        told = Fact("rack.ended", facts=notices)
        untold = tuple(reason for reason in reasons if not told.mentions(reason))
        raise ShardloomError(told.but(facts=(*notices, *untold[:SHOWN])))


def _late(snapshot: RackSnapshot, limit_s: float) -> Fact:
    states = tuple(
        Fact("phone.in_state", phone=each.serial, state=each.state) for each in snapshot.phones
    )
    if not states:
        return Fact("rack.late_without_phones", phase=snapshot.phase, limit=limit_s)
    return Fact("rack.late", phase=snapshot.phase, limit=limit_s, phones=states)
