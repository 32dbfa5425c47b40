"""What a phone tells of itself is bounded, and steers no terminal."""

from __future__ import annotations

from typing import cast

from app.devices.adb.link import PhoneLink, ShellResult
from app.devices.condition.inspection import inspect_phone


class Phone:
    """Answers every script with the same."""

    def __init__(self, told: str) -> None:
        self.told = told

    def shell(self, _script: str, _timeout_s: float) -> ShellResult:
        return ShellResult(0, self.told, "")


def test_a_talkative_phone_is_cut_short_and_control_characters_go() -> None:
    lines = "".join(f"{number} \x1b[31m{'x' * 1000}\n" for number in range(5000))
    told = inspect_phone(cast(PhoneLink, Phone(lines)))
    for part in (told.worker_log, told.android_log, told.files):
        assert len(part) == 400
        assert part[-1].startswith("4999 ")
        assert all(len(line) == 400 and "\x1b" not in line for line in part)


def test_a_phone_that_tells_nothing_has_empty_parts() -> None:
    told = inspect_phone(cast(PhoneLink, Phone("")))
    assert (told.worker_log, told.android_log, told.files) == ((), (), ())
