"""What a phone itself tells of its work: the worker's log, Android's log, the files on it."""

from __future__ import annotations

import re
from typing import Final

from app.core.device import PhoneInspection
from app.devices.adb.link import PhoneLink

_LINES: Final = 200
_LINE_CHARACTERS: Final = 400
_TIMEOUT_S: Final = 8.0
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_FOLDER: Final = "/data/local/tmp/shardloom"
"""The worker's, as the deployment makes it."""
_WORKER_LOG: Final = f"tail -n {_LINES} {_FOLDER}/worker.log 2>/dev/null; true"
_ANDROID_LOG: Final = f"logcat -d -v time -t {_LINES} 2>/dev/null; true"
_FILES: Final = f"cd {_FOLDER} 2>/dev/null && ls -lnR . 2>/dev/null | head -n {2 * _LINES}; true"


def inspect_phone(link: PhoneLink) -> PhoneInspection:
    """Ask a phone. Raises `PhoneLostError` where it does not answer."""
    return PhoneInspection(
        _lines(link, _WORKER_LOG), _lines(link, _ANDROID_LOG), _lines(link, _FILES)
    )


def _lines(link: PhoneLink, script: str) -> tuple[str, ...]:
    """Return what a script prints, bounded and without what would steer a terminal."""
    lines = link.shell(script, _TIMEOUT_S).stdout.splitlines()[-2 * _LINES :]
    return tuple(_UNPRINTABLE.sub(" ", line)[:_LINE_CHARACTERS] for line in lines)
