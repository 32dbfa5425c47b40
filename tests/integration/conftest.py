"""What tests with phones share: patience with slow ones, a toy model, and a ring that runs it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.patience import be_patient
from tests.integration.workers.model import ToyModel
from tests.integration.workers.ring import Ring, running_ring


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no phone count as lost that takes a while to answer, as on a crowded machine."""
    be_patient(monkeypatch)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ToyModel:
    return ToyModel(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def ring(model: ToyModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ring]:
    with running_ring(tmp_path_factory.mktemp("ring"), model, [(0, 1), (2, 3)]) as running:
        yield running
