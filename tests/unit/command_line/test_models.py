from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.__main__ import main
from app.rack.home import Home, HomeLock

DEMO = Path(__file__).parents[3] / "assets" / "demo_model"


def test_the_demo_is_listed_from_the_start(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list", "--home", str(home), "--json"]) == 0
    (demo,) = json.loads(capsys.readouterr().out)["models"]
    assert (demo["name"], demo["layers"], demo["quantization"]) == ("demo", 8, "f32")
    assert main(["models", "list", "--home", str(home)]) == 0
    assert "demo" in capsys.readouterr().out


def test_an_imported_folder_is_listed_under_its_name_and_smaller_when_quantised(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["models", "import", str(DEMO), "--name", "small", "--quantize", "q8"]
    assert main([*command, "--home", str(home)]) == 0
    assert "small: " in capsys.readouterr().out
    main(["models", "list", "--home", str(home), "--json"])
    models = json.loads(capsys.readouterr().out)["models"]
    sizes = {model["name"]: model["weight_bytes"] for model in models}
    assert sizes["small"] < sizes["demo"]


@pytest.mark.parametrize("name", ["missing", "file"])
def test_what_is_no_checkpoint_is_one_plain_line(
    name: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no model")
    command = ["models", "import", str(tmp_path / name), "--name", "n", "--home", str(home)]
    assert main(command) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_no_model_is_deleted_while_a_rack_is_open_on_the_home(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["models", "import", str(DEMO), "--name", "small", "--quantize", "q8"]
    assert main([*command, "--home", str(home)]) == 0
    lock = HomeLock(Home(home))
    lock.acquire()
    try:
        assert main(["models", "delete", "small", "--home", str(home)]) == 1
    finally:
        lock.release()
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert main(["models", "delete", "small", "--home", str(home)]) == 0
    assert "small was removed" in capsys.readouterr().out
