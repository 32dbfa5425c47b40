from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.command_line.option_types import default_home
from app.command_line.options import rack_options
from app.command_line.parser import QUANTIZATIONS, build_parser
from app.models.quantization.block_wise import Quantization
from app.placement.conditions import Conditions


def parse(*arguments: str) -> dict[str, object]:
    return vars(build_parser().parse_args(arguments))


@pytest.mark.parametrize(
    ("arguments", "module"),
    [
        ((), "control_centre"),
        (("devices",), "devices"),
        (("devices", "clean"), "devices_clean"),
        (("models", "list"), "models_list"),
        (("models", "import", "folder", "--name", "n"), "models_import"),
        (("plan", "demo"), "plan"),
        (("run", "demo", "--prompt", "x"), "run"),
        (("ledger", "verify"), "ledger_verify"),
        (("ledger", "show"), "ledger_show"),
        (("ledger", "export"), "ledger_export"),
        (("doctor",), "doctor"),
        (("bench", "decode"), "bench"),
        (("bench", "ledger"), "bench"),
    ],
)
def test_every_command_takes_a_home_and_names_a_module_that_exists(
    arguments: tuple[str, ...], module: str, tmp_path: Path
) -> None:
    parsed = parse(*arguments, "--home", str(tmp_path))
    assert parsed["module"] == module
    assert parsed["home"] == tmp_path
    package = Path(__file__).parents[3] / "app" / "command_line" / "commands"
    assert (package / f"{module}.py").is_file()


def test_home_and_rack_may_stand_before_the_command_too(tmp_path: Path) -> None:
    parsed = parse("--home", str(tmp_path), "--rack", "virtual:2", "devices")
    assert (parsed["home"], parsed["rack"]) == (tmp_path, "virtual:2")


def test_an_actions_options_may_stand_before_it_too() -> None:
    before = parse("devices", "--rack", "virtual:2", "--json", "clean")
    after = parse("devices", "clean", "--rack", "virtual:2", "--json")
    assert before == after
    assert (after["rack"], after["json"]) == ("virtual:2", True)


def test_a_relative_home_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse("doctor", "--home", "state")["home"] == tmp_path / "state"


def test_default_home_follows_the_xdg_folder_and_ignores_a_relative_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_home() == tmp_path / "shardloom"
    monkeypatch.setenv("XDG_DATA_HOME", "not/absolute")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_home() == tmp_path / ".local" / "share" / "shardloom"


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("--scene", "nope"),
        ("run", "demo"),
        ("run", "demo", "--prompt", "x", "--token-ids", "1"),
        ("run", "demo", "--token-ids", "1,two"),
        ("run", "demo", "--token-ids", "-1"),
        ("run", "demo", "--prompt", "x", "--tokens", "0"),
        ("run", "demo", "--prompt", "x", "--streams", "257"),
        ("run", "demo", "--prompt", "x", "--streams", "many"),
        ("run", "demo", "--prompt", "x", "--tokens", "many"),
        ("run", "demo", "--prompt", "x", "--alternatives", "many"),
        ("run", "demo", "--prompt", "x", "--seed", "any"),
        ("run", "demo", "--prompt", "x", "--temperature", "warm"),
        ("run", "demo", "--prompt", "x", "--temperature", "nan"),
        ("run", "demo", "--prompt", "x", "--temperature", "inf"),
        ("run", "demo", "--prompt", "x", "--pause-limit", "-1"),
        ("run", "demo", "--prompt", "x", "--pause-limit", "inf"),
        ("plan", "demo", "--least-reputation", "2"),
        ("plan", "demo", "--least-battery", "101"),
        ("plan", "demo", "--most-heat", "nan"),
        ("plan", "demo", "--exclude"),
        ("run", "demo", "--prompt", "x", "--top-p", "half"),
        ("run", "demo", "--prompt", "x", "--greedy", "--temperature", "1"),
        ("run", "demo", "--prompt", "x", "--top-p", "1.5"),
        ("run", "demo", "--prompt", "x", "--fault", "melt:1"),
        ("run", "demo", "--prompt", "x", "--fault", "crash:1@0"),
        ("run", "demo", "--prompt", "x", "--fault", "crash"),
        ("plan", "demo", "--objective", "beauty"),
        ("models", "import", "folder", "--name", "n", "--quantize", "q3"),
        ("bench", "nothing"),
    ],
)
def test_wrong_usage_ends_with_status_2(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(*arguments)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("shardloom")
    assert line.endswith("--help")
    assert not re.search(r"convert|_\w+ value|int value|float value", line)


def test_faults_are_kept_as_given_in_order() -> None:
    faults = ("--fault", "crash:1@10", "--fault", "slow:PHONE-7")
    parsed = parse("run", "demo", "--prompt", "x", *faults)
    assert parsed["fault"] == ["crash:1@10", "slow:PHONE-7"]


def test_conditions_may_be_asked_of_every_plan() -> None:
    options = ["--exclude", "a", "--exclude", "b", "--trust", "c", "--private"]
    parser = build_parser()
    options += ["--least-reputation", "0.5", "--least-battery", "20", "--most-heat", "41"]
    asked = rack_options(parser.parse_args(["plan", "demo", *options]))
    assert asked.conditions == Conditions(
        frozenset({"a", "b"}),
        frozenset({"c"}),
        private=True,
        least_reputation=0.5,
        least_battery_percent=20,
        most_celsius=41.0,
    )
    assert rack_options(parser.parse_args(["plan", "demo"])).conditions == Conditions()


def test_token_ids_become_numbers() -> None:
    assert parse("run", "demo", "--token-ids", "1,2,3")["token_ids"] == (1, 2, 3)


def test_the_quantisations_offered_are_those_there_are() -> None:
    """The parser names them anew: what defines them loads numpy."""
    assert tuple(Quantization) == QUANTIZATIONS


def test_the_window_speaks_a_language_that_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert build_parser().parse_args([]).language is None
    assert build_parser().parse_args(["--language", "ja"]).language == "ja"
    with pytest.raises(SystemExit):
        build_parser().parse_args(["--language", "tlh"])
    assert "--language" in capsys.readouterr().err
