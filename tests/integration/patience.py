"""Patience with phones that are only slow."""

from __future__ import annotations

import pytest

from app.devices.adb import adb_server, reverse_service
from app.devices.condition import probe, vitals
from app.devices.discovery import address_watch, pairer, server_watch
from app.devices.links import adb_link, pairing, session_source, tunnels

PATIENCE_S = 60.0
LIMITS = (
    (adb_link, "SILENCE_TIMEOUT_S"),
    (adb_server, "ANSWER_TIMEOUT_S"),
    (address_watch, "CONNECT_TIMEOUT_S"),
    (pairer, "ADVERTISED_WITHIN_S"),
    (pairer, "ANSWER_TIMEOUT_S"),
    (pairing, "PAIRING_TIMEOUT_S"),
    (probe, "PROBE_TIMEOUT_S"),
    (reverse_service, "ANSWER_TIMEOUT_S"),
    (server_watch, "ANSWER_TIMEOUT_S"),
    (session_source, "AUTHORIZATION_TIMEOUT_S"),
    (session_source, "CONNECT_TIMEOUT_S"),
    (tunnels, "OPEN_TIMEOUT_S"),
    (vitals, "VITALS_TIMEOUT_S"),
)


def be_patient(patch: pytest.MonkeyPatch) -> None:
    """Let no phone count as lost that takes a while to answer, as on a crowded machine."""
    for module, name in LIMITS:
        patch.setattr(module, name, PATIENCE_S)
