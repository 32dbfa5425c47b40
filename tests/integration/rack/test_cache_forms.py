"""Models whose rows are kept smaller, on three phones: the tokens of one session, audited."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.tasks import Complete
from app.models.library import Library
from app.models.whole import run_whole
from app.rack.commands import Ask, UseModel
from app.rack.service import RackService
from app.rack.snapshot import RequestState
from tests.integration.rack.support import ASSETS, finish, open_virtual_rack
from workers.protocol.span_shape import RowForm

PROMPT = (5, 3, 77, 150, 12, 41, 9, 118, 64, 2, 33, 97, 7, 140, 21, 88)
TOKENS = 12


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    for form in (RowForm.F16, RowForm.INT8):
        Library(folder).import_folder(ASSETS / "demo_model", form.word, "q8", cache_rows=form)
    return folder


@pytest.fixture(scope="module")
def rack(home: Path) -> Iterator[RackService]:
    with open_virtual_rack(home, 3) as opened:
        yield opened


@pytest.mark.soak
@pytest.mark.parametrize("form", [RowForm.F16, RowForm.INT8])
def test_three_phones_write_what_one_session_does_and_pass_their_audits(
    rack: RackService, home: Path, form: RowForm
) -> None:
    library = Library(home)
    expected = run_whole(library.get(form.word), library, PROMPT, TOKENS)
    rack.do(UseModel(form.word)).result(90)
    request = finish(rack, rack.do(Ask(Complete(PROMPT), TOKENS)).result(30))
    assert request.state is RequestState.SETTLED
    assert list(request.token_ids) == expected
    assert (request.audits, request.slashes) == (3, 0)
