"""Every family on three virtual phones: the tokens of the reference implementation, audited."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.core.tasks import Complete
from app.models.library import Library
from app.rack.commands import Ask, UseModel
from app.rack.service import RackService
from app.rack.snapshot import RequestState
from tests.integration.models.reference import (
    GATED,
    KINDS,
    Kind,
    random_model,
    reference_tokens,
)
from tests.integration.rack.support import finish, open_virtual_rack

pytest.importorskip("torch", reason="torch is not installed: reference not compared")
FAMILIES = (
    *("llama", "llama3", "qwen2", "qwen3", "mistral", "phi3"),
    *("gemma2", "gpt2", "bloom", "opt", "gpt_neox", "cohere2", "qwen3_moe", "gpt_oss"),
)
OLMO = Kind("Olmo", GATED)
PROMPT = (5, 3, 77, 150, 12, 41, 9, 118, 64, 2, 33, 97, 7, 140, 21, 88)
"""Longer than any of the windows."""
TOKENS = 8


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def exported(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ANN401 - torch's types are not here
    """Import a model that has to be exported; None where nothing can be exported."""
    if importlib.util.find_spec("onnxscript") is None:
        return None
    from app.models.exporting.__main__ import export  # noqa: PLC0415 - needs torch

    folder = tmp_path_factory.mktemp("exported")
    model = random_model(OLMO)
    model.save_pretrained(folder / "c")
    (folder / "onnx").mkdir()
    export(folder / "c", folder / "onnx" / "model.onnx", io.StringIO())
    Library(home).import_folder(folder / "onnx" / "model.onnx", "olmo")
    return model


@pytest.fixture(scope="module")
def rack(home: Path, exported: Any) -> Iterator[RackService]:  # noqa: ANN401, ARG001 - exported first
    """Open a rack once nothing is exported in this process any more, which would hold it up."""
    with open_virtual_rack(home, 3) as opened:
        yield opened


@pytest.mark.parametrize("name", FAMILIES)
def test_three_phones_generate_the_references_tokens(
    rack: RackService, home: Path, tmp_path: Path, name: str
) -> None:
    model = random_model(KINDS[name])
    model.save_pretrained(tmp_path)
    Library(home).import_folder(tmp_path, name)
    generates_the_references_tokens(rack, name, model)


def test_three_phones_run_an_architecture_that_was_exported_and_cut(
    rack: RackService,
    exported: Any,  # noqa: ANN401 - torch's types are not here
) -> None:
    if exported is None:
        pytest.skip("onnxscript is not installed: nothing is exported")
    generates_the_references_tokens(rack, "olmo", exported)


def generates_the_references_tokens(rack: RackService, name: str, model: Any) -> None:  # noqa: ANN401 - torch's types are not here
    rack.do(UseModel(name)).result(60)
    request = finish(rack, rack.do(Ask(Complete(PROMPT), TOKENS)).result(60))
    assert request.state is RequestState.SETTLED
    assert list(request.token_ids) == reference_tokens(model, PROMPT, TOKENS)
    assert len(set(request.token_ids)) > 2
    assert request.assignment is not None
    assert len(request.assignment.stages) == 3
    assert (request.receipts, request.audits, request.slashes) == (3, 3, 0)
