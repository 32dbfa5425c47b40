"""What discovery tells of a phone, and the common part of everything it watches."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Final

from app.core.device import DeviceState, standing
from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.devices.adb.link import PhoneLink

IN_VAIN_PATIENCE_S: Final = 0.2
"""What does not answer must not delay the news of the others again and again."""
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class FoundPhone:
    """A phone and how it stands: found, or what keeps it from that, with the reason.

    Until a phone has told its serial number, the address stands for it. `connect` opens a link of
    the caller's own, blocking; it raises `PhoneLostError` or `PhoneUnauthorizedError`. Where
    `connection` has grown, the phone was gone in between and links opened before are dead.
    """

    serial: Serial
    state: DeviceState
    reason: Fact | None
    transport: str
    connect: Callable[[], PhoneLink]
    connection: int = 0
    boot: str = ""
    """What tells this start of this phone from every other; empty where it did not tell."""
    port: str = ""
    """Where at the transport it is, where more than one phone may be there."""

    @property
    def place(self) -> str:
        """Where it was seen: no other phone is there at the same time."""
        return self.port or self.transport

    def named(self, name: Serial) -> FoundPhone:
        """Return it under another name than its serial number, which is not its alone."""
        return self if name == self.serial else replace(self, serial=name)

    @property
    def account(self) -> Fact:
        """Who it is and what keeps it from being used."""
        return standing(self.serial, self.state, self.reason)

    @property
    def way(self) -> tuple[str, int]:
        """What changes when links to the phone must be opened again."""
        return self.transport, self.connection


class Watch(ABC):
    """Something looked at in a thread of its own, whose last result is always at hand."""

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        """Call `changed`, on some other thread, whenever there is news."""
        self.notice: Fact | None = None
        self._changed = changed
        self._has_news = threading.Event()
        self._last_told: object = None
        self._settled = threading.Event()
        self._settled.set()
        self._running = threading.Lock()
        self._closed = False
        self._in_vain = False
        self._has_looked = False
        self.is_absent = False
        """Whether nothing is there to be asked, as where no adb server runs."""

    @property
    @abstractmethod
    def phones(self) -> tuple[FoundPhone, ...]:
        """The phones seen at the last look."""

    @property
    def account(self) -> tuple[Fact, ...]:
        """What came of it: nothing where phones are there that can be used."""
        if self.notice:
            return (self.notice,)
        if phones := self.phones:
            return tuple(phone.account for phone in phones if phone.reason)
        if not (self._has_looked or self._settled.is_set()):
            return (self._unanswered,)
        return (self._nothing,)

    @property
    def _unanswered(self) -> Fact:
        """What is told where the first look has not ended."""
        return Fact("place.unanswered")

    @property
    def _nothing(self) -> Fact:
        """What is told where the look ended and no phone was there."""
        return Fact("place.empty")

    @abstractmethod
    def _look(self) -> None:
        """Look again, blocking; what it finds is told by `phones`."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the phones and wake a look that waits."""

    def _is_due(self) -> bool:
        """Tell whether another look may find anything new."""
        return True

    def start(self, pool: Executor) -> None:
        """Look again in the pool, unless the last look still runs or nothing can be new."""
        if not self._closed and self._is_due() and self._running.acquire(blocking=False):
            self._settled.clear()
            pool.submit(self._run)

    def wait(self, timeout_s: float) -> None:
        """Wait until the look has ended, not for long where the last one was in vain."""
        patience_s = IN_VAIN_PATIENCE_S if self._in_vain else timeout_s
        self._settled.wait(max(min(patience_s, timeout_s), 0.0))

    def _run(self) -> None:
        try:
            self._look()
        except ShardloomError as error:
            self.notice = error.fact
        except Exception:
            self.notice = Fact("discovery.failed")
            _LOGGER.exception("discovery")
        finally:
            self._has_looked = True
            self._settled.set()
            self._running.release()
            self._tell_news()
            if self._has_news.is_set():  # it came during the look, when no other could begin
                self._changed()

    def _hear(self) -> None:
        """Take in that there is news to look at; a look that takes it in clears it first."""
        self._has_news.set()
        self._changed()

    def _tell_news(self) -> None:
        phones = [(phone.serial, phone.state, phone.reason, phone.way) for phone in self.phones]
        told = (self.notice, phones)
        if told != self._last_told:
            self._last_told = told
            self._changed()
