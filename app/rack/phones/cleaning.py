"""Leaving nothing behind: the phones of a rack without our worker, weights and settings."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from app.core.clock import SystemClock
from app.core.device import DeviceState
from app.core.errors import BadInputError, ShardloomError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.devices.deployment.deployment import Deployer, Removed
from app.devices.deployment.runtime_bundle import RuntimeBundle, build_runtime_bundle
from app.devices.discovery.found_phone import FoundPhone
from app.ledger.ledger import Ledger
from app.ledger.views.reasons import REMOVED_BY_OPERATOR
from app.rack.home import Home, HomeLock
from app.rack.phones.opening import OpenedRack, open_phones

SEARCH_S = 5.0
"""How long phones that do not answer at once, or advertise themselves, are waited for."""
CLEANED_AT_ONCE = 16


@dataclass(frozen=True)
class CleanedPhone:
    """One phone after cleaning: what was removed, or None and why nothing was."""

    serial: Serial
    removed: Removed | None
    reason: Fact | None


def clean_rack(rack: str | None, home: Home, assets: Path) -> tuple[CleanedPhone, ...]:
    """Stop the workers of a rack and remove all that is ours from its phones. Blocking.

    Raises `BadInputError` where the rack has no phone, does not exist or is in use.
    """
    home.prepare()
    lock = HomeLock(home)
    lock.acquire()
    try:
        opened = open_phones(rack, home, assets)
        try:
            phones = _search(opened)
            bundle = build_runtime_bundle()
            with ThreadPoolExecutor(CLEANED_AT_ONCE, "cleaning") as pool:
                cleaned = tuple(pool.map(lambda phone: _clean(phone, bundle), phones))
            _withdraw_keys(home, [each.serial for each in cleaned if each.removed is not None])
            return cleaned
        finally:
            opened.close()
    finally:
        lock.release()


def _withdraw_keys(home: Home, serials: Sequence[Serial]) -> None:
    """Journal that the keys of these phones are gone: they will come with new ones."""
    if not home.ledger_file.is_file():
        return
    ledger = Ledger(home.ledger_file, home.ledger_key, SystemClock())
    try:
        for serial in filter(ledger.knows, serials):
            ledger.withdraw_key(serial, REMOVED_BY_OPERATOR)
    finally:
        ledger.close()


def _search(opened: OpenedRack) -> tuple[FoundPhone, ...]:
    """Return the rack's phones once all answer, else as they stand after the time to search."""
    deadline_s = time.monotonic() + SEARCH_S
    while True:
        phones = opened.discovery.poll()
        answering = phones and all(phone.state is DeviceState.FOUND for phone in phones)
        left_s = deadline_s - time.monotonic()
        if left_s <= 0 or (answering and not opened.definition.network):
            break
        opened.discovery.wait_for_news(min(left_s, 1.0))
    if not phones:
        raise BadInputError("rack.no_phone_here", account=opened.discovery.account)
    return phones


def _clean(phone: FoundPhone, bundle: RuntimeBundle) -> CleanedPhone:
    if phone.state is not DeviceState.FOUND:
        return CleanedPhone(phone.serial, None, phone.reason)
    try:
        link = phone.connect()
        try:
            return CleanedPhone(phone.serial, Deployer(link, phone.serial, bundle).clean(), None)
        finally:
            link.close()
    except ShardloomError as error:
        return CleanedPhone(phone.serial, None, error.fact)
