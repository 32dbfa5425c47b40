"""What keepers and the operator say to a ledger in the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.__main__ import main
from app.core.identifiers import TransactionId
from app.ledger.ledger import Ledger
from app.testing.clocks import ManualClock
from tests.signing import proven_key
from tests.unit.ledger.support import Bench

PHONE = "phone-0"


@pytest.fixture
def keeper(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """A home whose first phone earned something long ago; its keeper's key file."""
    home.mkdir()
    bench = object.__new__(Bench)
    bench.__dict__.update(Bench(tmp_path / "unused").__dict__)
    bench.ledger.close()
    bench.clock = clock = ManualClock()
    bench.ledger = Ledger(home / "ledger.sqlite", home / "keys" / "ledger.key", clock)
    for phone in bench.phones:
        key = proven_key(phone.key, phone.serial, bench.ledger.host_key)
        bench.ledger.register_phone(phone.serial, key, "class")
        bench.ledger.grant_stake(phone.serial)
    bench.begin("t", price=1_000_000)
    bench.sign_all("t")
    bench.ledger.settle(TransactionId("t"), 500)
    clock.advance(3_600)
    bench.ledger.look_after()
    bench.ledger.close()
    file = str(tmp_path / "keeper.pem")
    assert main(["ledger", "keeper-key", file]) == 0
    public = capsys.readouterr().out.strip()
    assert main(["ledger", "keeper", PHONE, public, "--home", str(home)]) == 0
    return file


def test_a_keeper_stakes_quotes_proposes_and_votes(
    home: Path, keeper: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ["--home", str(home)]
    assert main(["ledger", "stake-earnings", PHONE, "60", "--keeper", keeper, *at]) == 0
    quote = ["ledger", "quote", PHONE, "500", "--rule", "load", "--rise", "50"]
    assert main([*quote, "--keeper", keeper, *at]) == 0
    wish = tmp_path / "wish.json"
    change = {"parameter": "treasury-fee-per-mille", "value": 10}
    wish.write_text(json.dumps({"title": "Less [/b]", "change": change}))
    assert main(["ledger", "propose", str(wish), "--keeper", keeper, *at]) == 0
    capsys.readouterr()
    assert main(["ledger", "proposals", "--json", *at]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["quotes"] == [
        {"serial": PHONE, "rule": "load", "price": 500, "rise_per_mille": 500}
    ]
    (proposal,) = told["proposals"]
    signed = str(tmp_path / "vote.json")
    vote = ["ledger", "vote", proposal["name"][:8], "yes", "--keeper", keeper]
    assert main([*vote, "--out", signed, *at]) == 0
    assert main(["ledger", "submit", signed, *at]) == 0
    assert main(["ledger", "unbond", PHONE, "60", "--keeper", keeper, *at]) == 0
    capsys.readouterr()
    assert main(["ledger", "proposals", *at]) == 0
    shown = capsys.readouterr().out
    assert "yes 100%" in shown
    assert "Less [/b]" in shown
    assert main(["ledger", "submit", signed, *at]) == 1
    assert "already" in capsys.readouterr().err
    assert main(["ledger", "verify", *at]) == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["quote", PHONE, "0"], "more than 0"),
        (["quote", PHONE, "99999999"], "at most 10000"),
        (["unbond", PHONE, "1"], "are its own"),
        (["stake-earnings", "nobody", "1"], "not registered"),
        (["vote", "abc", "yes"], "no proposal abc"),
    ],
)
def test_what_is_refused_is_one_line_and_changes_nothing(
    home: Path, keeper: str, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    capsys.readouterr()
    before = _entries(home, capsys)
    assert main(["ledger", *words, "--keeper", keeper, "--home", str(home)]) == 1
    captured = capsys.readouterr()
    assert told in captured.err
    assert len(captured.err.splitlines()) == 1
    assert _entries(home, capsys) == before


def test_no_more_of_a_file_is_read_than_a_statement_may_have(
    home: Path, keeper: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    at = ["--home", str(home)]
    assert main(["ledger", "submit", "/dev/zero", *at]) == 1
    assert main(["ledger", "propose", "/dev/zero", "--keeper", keeper, *at]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_the_operator_stops_and_ends_the_stop(
    home: Path, keeper: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert keeper
    at = ["--home", str(home)]
    assert main(["ledger", "stop", "5", "odd payments", *at]) == 0
    assert main(["ledger", "stop", "5", "odd payments", *at]) == 1
    assert "is in force" in capsys.readouterr().err
    assert main(["ledger", "resume", *at]) == 0
    assert main(["ledger", "resume", *at]) == 1


def test_keepers_of_a_third_stop_by_their_signatures_and_end_it_by_others(
    home: Path, keeper: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ["--home", str(home)]
    mine, like, other, end = (str(tmp_path / name) for name in ("a", "b", "c", "d"))
    sign = ["ledger", "order-stop", "--keeper", keeper, *at]
    assert main([*sign, "--hours", "5", "--out", mine]) == 0
    assert main(["ledger", "stop-by-keepers", mine, *at]) == 1
    assert "Fewer than a third" in capsys.readouterr().err
    assert main(["ledger", "stake-earnings", PHONE, "60", "--keeper", keeper, *at]) == 0
    assert main(["ledger", "keeper-key", other]) == 0
    assert main([*sign[:3], other, *at, "--like", mine, "--out", like]) == 0
    assert main(["ledger", "stop-by-keepers", mine, like, *at]) == 0
    capsys.readouterr()
    assert main(["ledger", "resume", *at]) == 1
    assert "Keepers ordered this stop" in capsys.readouterr().err
    assert main([*sign, "--end", "--out", end]) == 0
    assert main(["ledger", "stop-by-keepers", end, *at]) == 0
    assert main(["ledger", "show", *at]) == 0
    assert "ordered by keepers" in capsys.readouterr().out
    assert main([*sign, "--end", "--out", end]) == 1


def test_long_times_of_parameters_are_told_in_days_and_hours(
    home: Path, keeper: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert keeper
    capsys.readouterr()
    assert main(["ledger", "proposals", "--home", str(home)]) == 0
    shown = capsys.readouterr().out
    assert "14 d" in shown
    assert "1 h" in shown
    assert " min 0 s" not in shown


def _entries(home: Path, capsys: pytest.CaptureFixture[str]) -> int:
    assert main(["ledger", "show", "--json", "--home", str(home)]) == 0
    return int(json.loads(capsys.readouterr().out)["entries"])
