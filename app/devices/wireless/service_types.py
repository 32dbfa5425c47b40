"""The DNS-SD services of adb (AOSP adb, `adb_mdns.h`)."""

from __future__ import annotations

from enum import StrEnum


class ServiceType(StrEnum):
    """What a phone advertises: an open pairing window, its TLS port, its plain port."""

    PAIRING = "_adb-tls-pairing._tcp.local."
    SECURE = "_adb-tls-connect._tcp.local."
    PLAIN = "_adb._tcp.local."
