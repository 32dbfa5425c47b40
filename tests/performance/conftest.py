"""What the tests of benchmarks share: time enough, for figures do not count here."""

from __future__ import annotations

import pytest

from app.devices.adb import adb_server
from app.devices.links import session_source
from app.pipeline import step_limits, worker_client

PATIENCE_S = 60.0
LIMITS = (
    (adb_server, "ANSWER_TIMEOUT_S"),
    (step_limits, "BASE_S"),
    (session_source, "AUTHORIZATION_TIMEOUT_S"),
    (session_source, "CONNECT_TIMEOUT_S"),
    (worker_client, "LOST_AFTER_S"),
)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no worker count as lost that takes a while to answer, as on a crowded machine."""
    for module, name in LIMITS:
        monkeypatch.setattr(module, name, PATIENCE_S)
