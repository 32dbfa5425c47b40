"""Ways out of a phone that somebody else removed: put back, or given up. The phone is scripted."""

from __future__ import annotations

from typing import cast

import pytest

from app.core.errors import PhoneLostError, ShardloomError
from app.devices.adb.reverse_service import listed_ports
from app.devices.adb.stream import StreamSource
from app.devices.errors import PhoneRefusedError
from app.devices.links.tunnels import Tunnels
from app.rack.paths.tunnel_watch import TunnelWatch
from app.rack.phones.phone import Phone
from app.words.sentences import fact_text
from tests.saying import raises_saying
from tests.unit.rack.support import a_context, a_phone

HOST_PORT = 4000


class Answer:
    """A stream that says one thing."""

    def __init__(self, said: bytes) -> None:
        self._said = said

    def receive(self) -> bytes:
        said, self._said = self._said, b""
        return said

    def close(self) -> None:
        """Nothing is held."""


class Adbd:
    """The `reverse:` services of a phone."""

    transport = "a phone"
    keeps_tunnels = False

    def __init__(self) -> None:
        self.listeners: dict[int, int] = {}
        self.asked = 0

    def expect(self, _host_port: int) -> None:
        """Everything may come back."""

    def mend_forwards(self) -> int:
        return 0

    def open(self, service: str, _timeout_s: float) -> Answer:
        self.asked += 1
        _, action, *rest = service.split(":", 2)
        if action == "list-forward":
            return Answer(_counted("".join(map(self._line, self.listeners))))
        near, far = (int(end.rpartition(":")[2]) for end in rest[0].split(";"))
        if near in self.listeners:
            return Answer(b"FAIL" + _counted("cannot rebind existing socket"))
        self.listeners[near] = far
        return Answer(b"OKAY")

    def _line(self, port: int) -> str:
        return f"UsbFfs tcp:{port} tcp:{self.listeners[port]}\n"


def _counted(text: str) -> bytes:
    return f"{len(text):04x}{text}".encode()


@pytest.fixture
def phone() -> Adbd:
    return Adbd()


@pytest.fixture
def tunnels(phone: Adbd) -> Tunnels:
    return Tunnels(cast(StreamSource, phone))


def test_what_stands_is_left_and_what_was_removed_gets_its_port_again(
    phone: Adbd, tunnels: Tunnels
) -> None:
    ports = [tunnels.reverse(HOST_PORT + number) for number in range(3)]
    before = dict(phone.listeners)
    assert tunnels.mend() == 0
    del phone.listeners[ports[1]]
    assert tunnels.mend() == 1
    assert phone.listeners == before


def test_a_port_that_somebody_else_has_now_is_given_up(phone: Adbd, tunnels: Tunnels) -> None:
    port = tunnels.reverse(HOST_PORT)
    phone.listeners[port] = HOST_PORT + 1
    with raises_saying(PhoneRefusedError, match="cannot rebind"):
        tunnels.mend()
    assert tunnels.mend() == 0
    assert phone.listeners == {port: HOST_PORT + 1}


def test_a_phone_without_tunnels_or_let_go_is_asked_nothing(phone: Adbd, tunnels: Tunnels) -> None:
    assert tunnels.mend() == 0
    tunnels.reverse(HOST_PORT)
    tunnels.close()
    phone.listeners.clear()
    asked = phone.asked
    assert tunnels.mend() == 0
    assert phone.asked == asked


def test_only_tcp_ports_are_read_from_a_list_of_tunnels() -> None:
    text = "(reverse) tcp:1 tcp:2\nhost-19 localabstract:x tcp:3\nPHONE-1 tcp:4 tcp:5\ntcp:6\n"
    assert listed_ports(text) == {1: 2, 4: 5}


@pytest.mark.parametrize(
    ("outcome", "told", "forgotten"),
    [
        (0, "", False),
        (2, "removed by somebody; it is back", False),
        (PhoneRefusedError("taken"), "another one is looked for", True),
        (PhoneLostError("gone"), "", False),
    ],
)
async def test_the_operator_is_told_what_became_of_a_removed_tunnel(
    outcome: int | ShardloomError, told: str, *, forgotten: bool
) -> None:
    class Link:
        def mend_tunnels(self) -> int:
            if isinstance(outcome, ShardloomError):
                raise outcome
            return outcome

    context, given_up = a_context(), list[Phone]()
    phone = a_phone("A", link=Link())
    await TunnelWatch(context, [phone], given_up.append).look()
    assert [told in fact_text(event.fact) for event in context.timeline.events] == [True] * bool(
        told
    )
    assert given_up == [phone] * forgotten
