"""The `shell,v2` service: exit code and separate output streams (Android 7 and later).

Frames are `<BI`: kind, length, then that many bytes (AOSP adb, shell_protocol.h).
"""

from __future__ import annotations

import struct
import time
from typing import Final

from app.core.errors import PhoneLostError
from app.devices.adb.link import ShellResult
from app.devices.adb.stream import ExactReader, StreamSource
from app.devices.errors import PhoneRefusedError

MAXIMUM_OUTPUT_BYTES: Final = 16 << 20
_HEADER: Final = struct.Struct("<BI")
_STDOUT, _STDERR, _EXIT = 1, 2, 3


def run_command(source: StreamSource, command: str, timeout_s: float) -> ShellResult:
    """Run a command by the phone's shell and wait for its end.

    Raises `PhoneLostError` where it does not end in time, `PhoneRefusedError` where the phone has
    no such service or the output is beyond all measure.
    """
    deadline_s = time.monotonic() + timeout_s
    stream = source.open(f"shell,v2,raw:{command}", timeout_s)
    try:
        reader = ExactReader(stream)
        output = {_STDOUT: bytearray(), _STDERR: bytearray()}
        while True:
            kind, size_bytes = reader.record(_HEADER)
            _check(source, size_bytes + sum(map(len, output.values())), deadline_s)
            data = reader.exactly(size_bytes)
            if kind == _EXIT:
                return ShellResult(
                    data[0] if data else 255, _text(output[_STDOUT]), _text(output[_STDERR])
                )
            if kind in output:
                output[kind] += data
    finally:
        stream.close()


def _check(source: StreamSource, size_bytes: int, deadline_s: float) -> None:
    if size_bytes > MAXIMUM_OUTPUT_BYTES:
        raise PhoneRefusedError(
            "phone.output_too_large",
            transport=source.transport,
            limit_mb=MAXIMUM_OUTPUT_BYTES >> 20,
        )
    if time.monotonic() > deadline_s:
        raise PhoneLostError("phone.command_endless", transport=source.transport)


def _text(data: bytearray) -> str:
    return data.decode("utf-8", "backslashreplace")
