"""The `reverse:` service: a port of the phone that comes out on the computer that holds it.

The phone answers OKAY, or FAIL and a reason with its length before it (AOSP adb,
`handle_forward_request`).
"""

from __future__ import annotations

import re
import secrets
from typing import Final

from app.devices.adb.adb_server import LENGTH_DIGITS, STATUS_BYTES
from app.devices.adb.stream import ExactReader, StreamSource
from app.devices.errors import PhoneRefusedError

ANSWER_TIMEOUT_S: Final = 5.0
TRIES: Final = 16
_FIRST_PORT, _PORTS = 20_000, 12_000
"""Below the ports that Linux gives out by itself."""
_ENDS: Final = 2
_TCP: Final = re.compile(r"tcp:\d+")


def open_reverse(source: StreamSource, host_port: int) -> int:
    """Let the phone listen on a free port of its own; return that port.

    The port is chosen here: of those it lets a phone choose, Google's adb server remembers only the
    last, and ends itself when the phone uses another (adb 36). Raises `PhoneRefusedError` with the
    phone's reason, `PhoneLostError` where it is gone.
    """
    source.expect(host_port)
    reason = ""
    for _ in range(TRIES):
        phone_port = _FIRST_PORT + secrets.randbelow(_PORTS)
        reason = _ask_for(source, phone_port, host_port)
        if not reason:
            return phone_port
    raise PhoneRefusedError("phone.no_way_back", transport=source.transport, reason=reason)


def restore_reverse(source: StreamSource, phone_port: int, host_port: int) -> None:
    """Let the phone listen again on a port that it listened on before.

    Raises `PhoneRefusedError` where something else has the port, `PhoneLostError`.
    """
    reason = _ask_for(source, phone_port, host_port)
    if reason:
        raise PhoneRefusedError("phone.way_back_taken", transport=source.transport, reason=reason)


def list_reverses(source: StreamSource) -> dict[int, int]:
    """Return where each port that the phone listens on comes out. Raises `PhoneLostError`."""
    stream = source.open("reverse:list-forward", ANSWER_TIMEOUT_S)
    try:
        return listed_ports(_counted(ExactReader(stream)))
    finally:
        stream.close()


def listed_ports(text: str) -> dict[int, int]:
    """Return TCP ports and where they lead to, of lines such as `(reverse) tcp:1 tcp:2`."""
    pairs = (line.split()[-_ENDS:] for line in text.splitlines())
    return {
        int(near.removeprefix("tcp:")): int(far.removeprefix("tcp:"))
        for near, far in (pair for pair in pairs if len(pair) == _ENDS)
        if _TCP.fullmatch(near) and _TCP.fullmatch(far)
    }


def close_reverse(source: StreamSource, phone_port: int) -> None:
    """Let the phone listen no more on a port. Raises `PhoneLostError` where it is gone."""
    _ask(source, f"reverse:killforward:tcp:{phone_port}")


def _ask_for(source: StreamSource, phone_port: int, host_port: int) -> str:
    return _ask(source, f"reverse:forward:norebind:tcp:{phone_port};tcp:{host_port}")


def _ask(source: StreamSource, service: str) -> str:
    """Return why the phone refuses, nothing where it does not."""
    stream = source.open(service, ANSWER_TIMEOUT_S)
    try:
        reader = ExactReader(stream)
        status = reader.exactly(STATUS_BYTES)
        return "" if status == b"OKAY" else _counted(reader)
    finally:
        stream.close()


def _counted(reader: ExactReader) -> str:
    digits = reader.exactly(LENGTH_DIGITS)
    try:
        size_bytes = int(digits, 16)
    except ValueError:
        raise PhoneRefusedError("phone.odd_reverse_answer") from None
    return reader.exactly(size_bytes).decode("utf-8", "backslashreplace")
