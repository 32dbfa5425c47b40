"""The command that opens the window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from app.command_line.commands import window
from app.command_line.parser import build_parser
from app.rack import service
from app.rack.options import RackOptions


def test_the_rack_is_told_that_a_window_is_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[RackOptions] = []

    def run(open_control: Callable[[], object], *_: object, **__: object) -> int:
        open_control()
        return 0

    monkeypatch.setattr(window, "run", run)
    monkeypatch.setattr(service, "open_rack", opened.append)
    arguments = build_parser().parse_args(["--home", str(tmp_path)])
    assert window.execute(arguments) == 0
    assert [options.beside_a_window for options in opened] == [True]
