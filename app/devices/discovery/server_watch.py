"""One adb server and the phones it lists."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from app.core.device import DeviceState
from app.core.errors import PhoneLostError, ShardloomError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.devices.adb.adb_rows import DEVICE, UNAUTHORIZED, ListedPhone, names_of
from app.devices.adb.adb_server import ANSWER_TIMEOUT_S, AdbServer
from app.devices.back_off import BackOff
from app.devices.condition.identify import Identification, identify
from app.devices.discovery.found_phone import FoundPhone, Watch
from app.devices.discovery.phone_sources import Reach
from app.devices.errors import NoServerError
from app.devices.links.adb_link import AdbLink
from app.devices.links.server_link import connect_server
from app.devices.links.server_stream import ServerStream
from app.devices.links.session_source import unauthorized

ASK_AGAIN_AFTER_S: Final = 10.0
"""A listed phone that did not answer is left alone for this long: it holds up the others."""


@dataclass(frozen=True)
class _Silence:
    """Why a listed phone did not tell who it is, and until when it is left alone."""

    until_s: float
    reason: Fact


class ServerWatch(Watch):
    """Asks a server for its list when its stream has news; a phone tells its serial number once."""

    def __init__(
        self,
        server: AdbServer,
        reach: Reach = Reach.ANY,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Watch a server; `changed` is called, on its own thread, when the server has news."""
        super().__init__(changed)
        self._server = server
        self._reach = reach
        self._known: dict[Serial, Identification] = {}
        self._here: set[Serial] = set()
        """Who was there at the last look; one that was not may be another, or started anew."""
        self._silent_since = ""
        self._has_news.set()
        self._stream = ServerStream(server, self._hear)
        self._back_off = BackOff()
        self._silences: dict[Serial, _Silence] = {}
        self._names: dict[str, Serial] = {}
        self._phones: dict[Serial, FoundPhone] = {}

    @property
    def phones(self) -> tuple[FoundPhone, ...]:
        """The phones listed now, and as lost those listed before."""
        return tuple(self._phones.values())

    @property
    def _unanswered(self) -> Fact:
        return Fact("adb_server.unanswered", address=self._server.address)

    @property
    def _nothing(self) -> Fact:
        codes = {
            Reach.ANY: "adb_server.empty",
            Reach.USB: "adb_server.without_cable",
            Reach.WIFI: "adb_server.without_wifi",
        }
        return Fact(codes[self._reach], address=self._server.address)

    @property
    def is_serving(self) -> bool:
        """Whether the server answered the last time; true until it was asked."""
        return not self.notice

    def close(self) -> None:
        """Look no more; the server keeps its phones."""
        self._closed = True
        self._stream.close()

    def _is_due(self) -> bool:
        """Ask where there is news, nothing to hear it by, or a phone that was silent before."""
        unheard = not self._stream.is_open and self._back_off.is_due
        now_s = time.monotonic()
        return (
            self._has_news.is_set()
            or unheard
            or any(now_s >= silence.until_s for silence in self._silences.values())
        )

    def _look(self) -> None:
        self._has_news.clear()
        try:
            listed = [row for row in self._server.devices() if _reached(row, self._reach)]
            self._answered()
        except PhoneLostError as error:
            listed = []
            self._fell_silent(error)
        rows = names_of(listed, self._names)
        self._names = {row.transport_id: name for name, row in rows.items() if row.transport_id}
        self._silences = {
            name: silence
            for name, row in rows.items()
            if row.state == DEVICE and (silence := self._silences.get(name)) is not None
        }
        now = {name: self._standing(name, row) for name, row in rows.items()}
        self._here = {name for name, phone in now.items() if phone.state is not DeviceState.LOST}
        reason = self.notice or Fact("phone.listed_no_more", server=self._server.name)
        gone = {
            name: replace(phone, state=DeviceState.LOST, reason=reason)
            for name, phone in self._phones.items()
            if name not in now
        }
        self._phones = now | gone

    def _answered(self) -> None:
        self.notice, self._silent_since, self._in_vain = None, "", False
        self.is_absent = False
        self._back_off.succeeded()

    def _fell_silent(self, error: PhoneLostError) -> None:
        self._silent_since = self._silent_since or time.strftime("%H:%M:%S")
        since = self._silent_since
        self.notice = Fact("adb_server.silent_since", reason=error.fact, since=since)
        self.is_absent, self._in_vain = isinstance(error, NoServerError), True
        self._back_off.failed()

    def _standing(self, name: Serial, row: ListedPhone) -> FoundPhone:
        if row.state == UNAUTHORIZED:
            return self._phone(name, row, DeviceState.UNAUTHORIZED, unauthorized(name).fact)
        if row.state != DEVICE:
            obstacle = row.obstacle(self._server.name)
            return self._phone(name, row, DeviceState.LOST, obstacle)
        try:
            self._learn_serial(name, row)
        except ShardloomError as error:
            return self._phone(name, row, DeviceState.LOST, error.fact)
        unsuitable = self._known[name].obstacle
        state = DeviceState.UNSUITABLE if unsuitable else DeviceState.FOUND
        return self._phone(name, row, state, unsuitable)

    def _learn_serial(self, name: Serial, row: ListedPhone) -> None:
        if name in self._known and name in self._here:
            return
        silence = self._silences.get(name)
        if silence is not None and time.monotonic() < silence.until_s:
            raise PhoneLostError(silence.reason)
        link = self._connecting(name, row)()
        try:
            self._known[name] = identify(link, ANSWER_TIMEOUT_S)
        except ShardloomError as error:
            self._silences[name] = _Silence(time.monotonic() + ASK_AGAIN_AFTER_S, error.fact)
            raise
        finally:
            link.close()
        self._silences.pop(name, None)

    def _phone(
        self, name: Serial, row: ListedPhone, state: DeviceState, reason: Fact | None
    ) -> FoundPhone:
        """Return the phone under its own serial, or under its name where that is another's too."""
        known = self._known.get(name) if name == row.serial else None
        connect = self._connecting(name, row)
        serial = known.serial if known else name
        boot, port = known.boot if known else "", f"{name} at {self._server.address}"
        return FoundPhone(serial, state, reason, self._server.name, connect, boot=boot, port=port)

    def _connecting(self, name: Serial, row: ListedPhone) -> partial[AdbLink]:
        return partial(connect_server, self._server, name, row.needed_id)


def _reached(row: ListedPhone, reach: Reach) -> bool:
    """Tell whether the server has the phone by that way."""
    return reach is Reach.ANY or row.by_cable is (reach is Reach.USB)
