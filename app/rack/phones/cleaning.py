"""Leaving nothing behind: the phones of a rack without our worker, weights and settings."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from app.core.clock import SystemClock
from app.core.device import DeviceState
from app.core.errors import BadInputError, ShardloomError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.devices.deployment.deployment import Deployer, Removed
from app.devices.deployment.runtime_bundle import RuntimeBundle, build_runtime_bundle
from app.devices.deployment.worker_host import PhoneHold, WorkerHost, this_host
from app.devices.discovery.found_phone import FoundPhone
from app.ledger.journal.keys import read_public_key
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


def clean_rack(
    rack: str | None, home: Home, assets: Path, *, take: bool = False
) -> tuple[CleanedPhone, ...]:
    """Stop the workers of a rack and remove all that is ours from its phones. Blocking.

    What works for another control centre is left to it, unless `take`.
    Raises `BadInputError` where the rack has no phone, does not exist or is in use.
    """
    home.prepare()
    lock = HomeLock(home)
    lock.acquire()
    try:
        opened = open_phones(rack, home, assets)
        try:
            phones = _search(opened)
            host = None if take else _this_host(home)
            clean = partial(_clean, bundle=build_runtime_bundle(), host=host)
            with ThreadPoolExecutor(CLEANED_AT_ONCE, "cleaning") as pool:
                cleaned = tuple(pool.map(clean, phones))
            _withdraw_keys(home, [each.serial for each in cleaned if each.removed is not None])
            return cleaned
        finally:
            opened.close()
    finally:
        lock.release()


def _withdraw_keys(home: Home, serials: Sequence[Serial]) -> None:
    """Journal that the keys of these phones are gone: they will come with new ones."""
    if not home.has_ledger():
        return
    ledger = Ledger(home.ledger_place, home.ledger_key, SystemClock())
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


def _this_host(home: Home) -> WorkerHost:
    """Return who cleans; a home without a ledger has started no worker anywhere."""
    has_key = home.ledger_key.is_file()
    return this_host(read_public_key(home.ledger_key) if has_key else b"", 0)


def _clean(phone: FoundPhone, bundle: RuntimeBundle, host: WorkerHost | None) -> CleanedPhone:
    if phone.state is not DeviceState.FOUND:
        return CleanedPhone(phone.serial, None, phone.reason)
    try:
        link = phone.connect()
        try:
            if host is not None:
                PhoneHold(link, phone.serial, host).refuse_other()
            return CleanedPhone(phone.serial, Deployer(link, phone.serial, bundle).clean(), None)
        finally:
            link.close()
    except ShardloomError as error:
        return CleanedPhone(phone.serial, None, error.fact)
