from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.__main__ import main
from app.core.clock import ManualClock
from app.core.identifiers import Serial
from app.ledger.ledger import Ledger
from tests.signing import proven_key
from tests.unit.ledger.support import Bench

PHONE = Serial("PHONE-1")


@pytest.fixture
def ledger_home(home: Path) -> Path:
    home.mkdir()
    ledger = Ledger(home / "ledger.sqlite", home / "keys" / "ledger.key", ManualClock())
    key = proven_key(Ed25519PrivateKey.generate(), PHONE, ledger.host_key)
    ledger.register_phone(PHONE, key, "class")
    ledger.grant_stake(PHONE)
    ledger.close()
    return home


def test_an_untouched_ledger_is_valid(
    ledger_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ledger", "verify", "--home", str(ledger_home)]) == 0
    assert "valid" in capsys.readouterr().out
    assert main(["ledger", "verify", "--home", str(ledger_home), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["valid"] is True
    assert report["entries"] > 0


def test_a_changed_byte_is_found_and_told_in_one_line(
    ledger_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = ledger_home / "ledger.sqlite"
    content = path.read_bytes()
    assert content.count(PHONE.encode()) > 0
    path.write_bytes(content.replace(PHONE.encode(), b"PHONE-2"))
    assert main(["ledger", "verify", "--home", str(ledger_home), "--json"]) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["valid"] is False
    assert len(captured.err.splitlines()) == 1


def test_a_home_without_a_ledger_is_one_plain_line(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for action in ("verify", "show", "export"):
        assert main(["ledger", action, "--home", str(home)]) == 1
        assert "There is no ledger" in capsys.readouterr().err


def test_show_tells_the_phones_stake(ledger_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ledger", "show", "--home", str(ledger_home)]) == 0
    shown = capsys.readouterr().out
    assert PHONE in shown
    assert "500 credits" in shown
    main(["ledger", "show", "--home", str(ledger_home), "--json"])
    assert json.loads(capsys.readouterr().out)["phones"][PHONE]["stake"] == 500_000_000


def test_a_class_in_doubt_is_told_of_and_confirmed_by_how_its_name_ends(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = Bench(tmp_path / "bench")
    bench.register()
    transaction = bench.begin("t")
    bench.sign_all(transaction)
    for stage in (0, 1):
        bench.convict(transaction, stage)
    bench.ledger.close()
    (home / "keys").mkdir(parents=True)
    bench.path.rename(home / "ledger.sqlite")
    bench.key_path.rename(home / "keys" / "ledger.key")
    assert main(["ledger", "show", "--home", str(home)]) == 0
    assert "nobody of it is blamed" in " ".join(capsys.readouterr().out.split())
    assert main(["ledger", "confirm-class", "other", "--home", str(home)]) == 1
    assert "No class in doubt" in capsys.readouterr().err
    assert main(["ledger", "confirm-class", "ass", "--home", str(home)]) == 0
    assert "judged as others are again" in capsys.readouterr().out
    assert main(["ledger", "verify", "--home", str(home)]) == 0
    main(["ledger", "show", "--home", str(home)])
    assert "nobody of it is blamed" not in " ".join(capsys.readouterr().out.split())


def test_export_holds_every_entry(ledger_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["ledger", "verify", "--home", str(ledger_home), "--json"])
    entries = json.loads(capsys.readouterr().out)["entries"]
    assert main(["ledger", "export", "--home", str(ledger_home)]) == 0
    assert len(json.loads(capsys.readouterr().out)["entries"]) == entries


def test_anybody_verifies_a_ledger_with_the_public_key_alone(
    ledger_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ledger", "key", "--home", str(ledger_home)]) == 0
    key = capsys.readouterr().out.strip()
    given, elsewhere = tmp_path / "given.sqlite", str(tmp_path / "another home")
    given.write_bytes((ledger_home / "ledger.sqlite").read_bytes())
    key_file = tmp_path / "host.pub"
    key_file.write_text(f"{key}\n")
    verify = ["ledger", "verify", "--home", elsewhere, "--ledger", str(given), "--key"]
    for known in (key, str(key_file)):
        assert main([*verify, known]) == 0
    assert "valid" in capsys.readouterr().out
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    assert main([*verify, other]) == 1
    assert "not signed with this ledger's key" in capsys.readouterr().err
    for wrong in ("", "12", "zz" * 32, str(given)):
        assert main([*verify, wrong or "x"]) == 1
        assert "is no public key of a ledger" in capsys.readouterr().err
