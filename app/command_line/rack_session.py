"""An open rack as a terminal command sees it: wait for what it becomes, and always close it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Final

from app.command_line.failures import complain
from app.core.device import DeviceState, standing
from app.core.errors import BadInputError, ShardloomError
from app.core.facts import Fact
from app.rack.commands import UseModel
from app.rack.control import RackAccess
from app.rack.door.messages import Welcome
from app.rack.door.remote_rack import find_open
from app.rack.home import Home
from app.rack.options import RackOptions
from app.rack.snapshot import Phase, RackSnapshot
from app.words.sentences import fact_text

READY_TIMEOUT_S = 300.0
COMMAND_TIMEOUT_S = 30.0
CLOSE_TIMEOUT_S = 60.0
"""Longer than the rack gives its phones: a command that ended before would leave them behind."""
SHOWN = 3
"""Phones with something to tell that are named when a rack fails."""
_D = DeviceState
LEFT_OUT = frozenset({_D.LOST, _D.UNAUTHORIZED, _D.BUSY, _D.UNSUITABLE, _D.JAILED})
"""How phones of the rack stand that cannot be used, whoever could do something about it."""
_FIXED: Final = {
    "--context": "context_tokens",
    "--boundary": "boundary",
    "--balancing": "balancing",
    "--pause-limit": "pause_limit_s",
    "--lookup": "lookup",
}
"""What is chosen when a rack is opened, by the names of its options."""
WORKING_PHASES = frozenset({Phase.READY, Phase.RUNNING, Phase.DEGRADED})


class RackSession:
    """The newest snapshot, and waiting on the calling thread for one that fits."""

    def __init__(self, control: RackAccess, *, shared: bool = False) -> None:
        """`shared` where the rack is open in another program, which goes on with it."""
        self.control = control
        self.shared = shared
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

    def wait_until_holding(self, model: str) -> RackSnapshot:
        """Return the first snapshot in which the rack can take a request for a model.

        A shared rack is given it where nothing runs there. Raises `BadInputError` elsewhere.
        """
        snapshot = self.wait_until_ready()
        running = snapshot.model_name
        if not self.shared or running == model:
            return snapshot
        if snapshot.phase is not Phase.READY:
            raise BadInputError("door.other_model", running=running, model=model)
        complain(fact_text(Fact("door.changes_model", running=running, model=model)))
        return self.change_model(model)

    def change_model(self, model: str) -> RackSnapshot:
        """Put another model on the rack and return the first snapshot in which that is ready."""
        self.control.do(UseModel(model)).result(READY_TIMEOUT_S)
        return self.wait_until(
            lambda rack: rack.phase in WORKING_PHASES and rack.model_name == model, READY_TIMEOUT_S
        )

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
    from app.rack.service import open_rack  # noqa: PLC0415 - loads for a second

    with closing(RackSession(open_rack(options))) as session:
        yield session


@contextmanager
def found_rack(options: RackOptions) -> Iterator[RackSession]:
    """Use the rack that is open on the home for the length of a block, else open one.

    Raises `BadInputError` where another rack is asked for than the one that is open.
    """
    remote = find_open(Home(options.home))
    if remote is None:
        with opened_rack(options) as session:
            yield session
        return
    with closing(RackSession(remote, shared=True)) as session:
        _refuse_another(options, remote.welcome)
        for option in _without_effect(options, remote.welcome):
            complain(fact_text(Fact("door.option_without_effect", option=option)))
        yield session


def _refuse_another(options: RackOptions, welcome: Welcome) -> None:
    if options.rack not in (None, welcome.rack):
        told = {"home": str(options.home), "rack": options.rack or ""}
        if welcome.rack is None:
            raise BadInputError("door.chosen_rack", **told)
        raise BadInputError("door.other_rack", opened=welcome.rack, **told)


def _without_effect(options: RackOptions, welcome: Welcome) -> list[str]:
    """Return the options that an open rack has otherwise, and keeps so."""
    usual = RackOptions(options.home)
    given = ["--take"] * options.take + ["--memory-share"] * bool(options.known)
    return given + [
        name
        for name, field in _FIXED.items()
        if getattr(options, field) not in (getattr(usual, field), getattr(welcome, field))
    ]


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
