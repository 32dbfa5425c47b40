"""What tests with phones share: patience with slow ones, a toy model, and a ring that runs it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from workers_model import ToyModel
from workers_ring import Ring, running_ring

from app.devices import (
    adb_link,
    adb_server,
    address_watch,
    probe,
    reverse_service,
    server_watch,
    session_source,
    vitals,
)
from app.devices.wireless import pairer, pairing

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
    (vitals, "VITALS_TIMEOUT_S"),
)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no phone count as lost that takes a while to answer, as on a crowded machine."""
    for module, name in LIMITS:
        monkeypatch.setattr(module, name, PATIENCE_S)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ToyModel:
    return ToyModel(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def ring(model: ToyModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ring]:
    with running_ring(tmp_path_factory.mktemp("ring"), model, [(0, 1), (2, 3)]) as running:
        yield running
