"""A phone is asked for its room once for many files, and before each where there is little."""

from __future__ import annotations

from typing import cast

import pytest

from app.core.identifiers import Serial
from app.devices.adb.link import PhoneLink, ShellResult
from app.devices.deployment import phone_files
from app.devices.deployment.phone_files import PLENTY_BYTES, SPARE_BYTES, PhoneFiles
from app.devices.errors import PhoneRefusedError
from tests.saying import raises_saying

FILE_BYTES = 1 << 20


class Phone:
    """Tells what room it has, and how often it was asked."""

    def __init__(self, free_bytes: int) -> None:
        self.free_bytes = free_bytes
        self.asked = 0

    def shell(self, _script: str, _timeout_s: float) -> ShellResult:
        self.asked += 1
        heads = "Filesystem 1K-blocks Used Available Use% Mounted on"
        rows = f"{heads}\n/dev/data 9 9 {self.free_bytes // 1024} 9% /data\n"
        return ShellResult(0, rows, "")

    def stat(self, _path: str) -> None:
        """Nothing has landed yet."""


def files_of(phone: Phone) -> PhoneFiles:
    return PhoneFiles(cast(PhoneLink, phone), Serial("P"))


def test_where_there_is_plenty_a_phone_is_asked_once_for_many_files() -> None:
    phone = Phone(2 * PLENTY_BYTES)
    files = files_of(phone)
    for number in range(100):
        files.check_room(f"file {number}", FILE_BYTES)
    assert phone.asked == 1


def test_what_was_pushed_counts_and_a_file_too_large_is_refused_without_delay() -> None:
    phone = Phone(2 * PLENTY_BYTES)
    files = files_of(phone)
    files.check_room("first", PLENTY_BYTES)
    phone.free_bytes -= PLENTY_BYTES
    with raises_saying(PhoneRefusedError, match="too little storage"):
        files.check_room("second", PLENTY_BYTES)
    assert phone.asked == 2


def test_where_there_is_little_a_phone_is_asked_before_each_file() -> None:
    phone = Phone(SPARE_BYTES + 10 * FILE_BYTES)
    files = files_of(phone)
    for number in range(5):
        files.check_room(f"file {number}", FILE_BYTES)
    assert phone.asked == 5


def test_a_phones_word_on_its_room_counts_for_a_while_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    phone = Phone(4 * PLENTY_BYTES)
    files = files_of(phone)
    files.check_room("first", FILE_BYTES)
    monkeypatch.setattr(phone_files, "TRUSTED_S", 0.0)
    phone.free_bytes = 0
    with raises_saying(PhoneRefusedError, match="too little storage"):
        files.check_room("second", FILE_BYTES)
