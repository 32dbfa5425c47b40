"""The `reverse:` service: a port of the phone that comes out on the computer that holds it.

The phone answers OKAY and the port it chose, or FAIL and a reason, each text with its length
before it (AOSP adb, `handle_forward_request`).
"""

from __future__ import annotations

from typing import Final

from app.devices.errors import PhoneRefusedError
from app.devices.stream import ExactReader, StreamSource

ANSWER_TIMEOUT_S: Final = 5.0
_STATUS_BYTES: Final = 4
_LENGTH_DIGITS: Final = 4


def open_reverse(source: StreamSource, host_port: int) -> int:
    """Let the phone listen on a free port of its own; return that port.

    Raises `PhoneRefusedError` with the phone's reason, `PhoneLostError` where it is gone.
    """
    source.expect(host_port)
    stream = source.open(f"reverse:forward:tcp:0;tcp:{host_port}", ANSWER_TIMEOUT_S)
    try:
        reader = ExactReader(stream)
        status, text = reader.exactly(_STATUS_BYTES), _counted(reader)
    finally:
        stream.close()
    if status != b"OKAY" or not text.isdecimal() or not 0 < int(text) < 65536:
        raise PhoneRefusedError(f"{source.transport}: no way back from the phone ({text}).")
    return int(text)


def _counted(reader: ExactReader) -> str:
    digits = reader.exactly(_LENGTH_DIGITS)
    try:
        size_bytes = int(digits, 16)
    except ValueError:
        raise PhoneRefusedError("The phone answers `reverse:` with something else.") from None
    return reader.exactly(size_bytes).decode("utf-8", "backslashreplace")
