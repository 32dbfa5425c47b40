"""What is said where another rack is asked for than the one that is open."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.command_line.rack_session import _refuse_another
from app.core.errors import BadInputError
from app.rack.door.messages import Welcome
from app.rack.options import RackOptions
from tests.saying import raises_saying
from workers.protocol.boundary import Boundary

HOME = Path("/h")


def opened_with(rack: str | None) -> Welcome:
    return Welcome("1", rack, 1024, Boundary.F32, 4, None, None, None)


@pytest.mark.parametrize(
    ("opened", "told"),
    [("virtual:2", "with virtual:2 and not"), (None, "phones that it found itself, and not")],
)
def test_another_rack_is_refused_with_what_is_open(opened: str | None, told: str) -> None:
    with raises_saying(BadInputError, match=told):
        _refuse_another(RackOptions(HOME, rack="virtual:3"), opened_with(opened))


def test_the_same_rack_or_none_named_is_taken() -> None:
    _refuse_another(RackOptions(HOME), opened_with(None))
    _refuse_another(RackOptions(HOME, rack="virtual:2"), opened_with("virtual:2"))
