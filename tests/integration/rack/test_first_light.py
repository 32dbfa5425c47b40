"""The whole path as a person takes it: the command line over a virtual rack.

Each test runs `shardloom` in processes of its own, with real phones' protocol, workers, sockets
and ledger; only the phones are virtual.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.models.library import Library
from app.models.whole import run_whole
from tests.soak import slice_of

ASSETS = Path(__file__).resolve().parents[3] / "assets"
PROMPT = "In the beginning"
TOKENS = 40
PATIENCE = ["--patience", "3", "--balancing", "off"]
"""For machines that stand still for seconds, and on which phones are quick and slow by turns."""
RUN = ["run", "demo", "--prompt", PROMPT, "--tokens", str(TOKENS), *PATIENCE]


def shardloom(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app", "--home", str(home), *arguments],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def run_json(home: Path, *more: str, phones: int = 3) -> dict[str, Any]:
    result = shardloom(home, *RUN, "--rack", f"virtual:{phones}", "--greedy", "--json", *more)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert isinstance(report, dict)
    return report


def assert_verified(report: dict[str, Any]) -> None:
    """Every token was computed again at every stage, of every attempt that counts."""
    assert report["verified_tokens"] == TOKENS
    assert report["audited_stages"] == report["stages"] > 0


def assert_checked_whole(report: dict[str, Any]) -> None:
    """This computer checked every token itself: not every phone was there to be audited."""
    assert report["verified_tokens"] == TOKENS
    assert report["checked_by"] == "whole-check"
    assert 0 < report["audited_stages"] < report["stages"]


def assert_valid_ledger(home: Path) -> None:
    result = shardloom(home, "ledger", "verify")
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def report(home: Path) -> dict[str, Any]:
    return run_json(home, phones=4)


@pytest.fixture(scope="module")
def whole_model_tokens(tmp_path_factory: pytest.TempPathFactory) -> list[int]:
    library = Library(tmp_path_factory.mktemp("library"))
    model = library.ensure_demo(ASSETS / "demo_model")
    tokenizer = library.tokenizer(model)
    assert tokenizer is not None
    return run_whole(model, library, tokenizer.encode(PROMPT), TOKENS)


def test_four_phones_give_the_tokens_of_one_session_and_of_the_reference(
    home: Path, report: dict[str, Any], whole_model_tokens: list[int]
) -> None:
    assert report["token_ids"] == whole_model_tokens
    assert (report["slashes"], report["failovers"]) == (0, 0)
    assert (report["receipts"], report["audits"]) == (4, 4)
    assert_verified(report)
    assert report["text"]
    spans = [(stage["first_layer"], stage["last_layer"]) for stage in report["assignment"]]
    assert len(spans) == 4
    assert spans[-1][1] == 7
    assert [first for first, _ in spans] == [0, *(last + 1 for _, last in spans[:-1])]
    assert_valid_ledger(home)


def test_the_whole_model_gives_the_tokens_of_the_reference_implementation(
    whole_model_tokens: list[int],
) -> None:
    torch = pytest.importorskip("torch", reason="torch is absent: the reference was not run")
    transformers = pytest.importorskip("transformers")
    folder = ASSETS / "demo_model"
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    prompt = torch.tensor([tokenizer(PROMPT)["input_ids"]])
    with torch.no_grad():
        answer = model.generate(prompt, max_new_tokens=TOKENS, do_sample=False)
    assert answer[0, prompt.shape[1] :].tolist() == whole_model_tokens


@pytest.mark.parametrize("runs", slice_of([1, 2], 1))
def test_a_lying_phone_is_slashed_once_and_the_tokens_stay_right(
    tmp_path: Path, whole_model_tokens: list[int], runs: int
) -> None:
    for fault in ("wrong-output:2@7", "wrong-output:2")[:runs]:
        report = run_json(tmp_path, "--fault", fault)
        assert report["token_ids"] == whole_model_tokens
        assert report["slashes"] == 1
        assert len(report["assignment"]) == 2
        assert_verified(report)
        assert_valid_ledger(tmp_path)


def test_a_crashed_phone_is_replaced_and_the_tokens_go_on(
    tmp_path: Path, whole_model_tokens: list[int]
) -> None:
    report = run_json(tmp_path, "--fault", "crash:1@10")
    assert report["token_ids"] == whole_model_tokens
    assert (report["failovers"], report["slashes"]) == (1, 0)
    assert_checked_whole(report)
    assert_valid_ledger(tmp_path)


@pytest.mark.soak
def test_a_hanging_phone_is_given_up_and_the_tokens_go_on(
    tmp_path: Path, whole_model_tokens: list[int]
) -> None:
    report = run_json(tmp_path, "--fault", "hang:3@5")
    assert report["token_ids"] == whole_model_tokens
    assert report["failovers"] == 1


def test_a_phone_that_does_not_sign_is_jailed_not_slashed_and_the_text_is_still_verified(
    tmp_path: Path, whole_model_tokens: list[int]
) -> None:
    report = run_json(tmp_path, "--fault", "withheld-receipt:1")
    assert report["token_ids"] == whole_model_tokens
    assert (report["slashes"], report["receipts"]) == (0, 2)
    assert_checked_whole(report)
    listed = shardloom(tmp_path, "devices", "--rack", "virtual:1", "--json", *PATIENCE)
    assert "Jailed by the ledger" in listed.stderr


@pytest.mark.usefixtures("report")
def test_a_changed_byte_of_the_journal_is_found(home: Path) -> None:
    assert_valid_ledger(home)
    damaged = home.parent / "damaged"
    shutil.copytree(home, damaged, ignore=shutil.ignore_patterns("virtual", "store", "lock"))
    with sqlite3.connect(damaged / "ledger.sqlite") as database:
        triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        (last,) = database.execute("SELECT max(sequence) FROM journal").fetchone()
        (body,) = database.execute(
            "SELECT body FROM journal WHERE sequence = ?", (last,)
        ).fetchone()
        changed = body[:-2] + chr(ord(body[-2]) ^ 1) + body[-1]
        database.execute("UPDATE journal SET body = ? WHERE sequence = ?", (changed, last))
    result = shardloom(damaged, "ledger", "verify")
    assert result.returncode == 1
    assert len(result.stderr.strip().splitlines()) <= 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["run", "nothing", "--rack", "virtual:1", "--prompt", "x", "--tokens", "1"],
            "There is no model nothing",
        ),
        (["devices", "--rack", "no-such-rack"], "There is no rack"),
        (
            ["run", "demo", "--rack", "virtual:1", "--prompt", "x", "--tokens", "5000"],
            "context",
        ),
        (
            ["run", "demo", "--rack", "virtual:1", "--prompt", "x", "--fault", "crash:7"],
            "no phone '7'",
        ),
        (["run", "demo", "--rack", "virtual:1", "--token-ids", "999999"], "Token ids"),
    ],
)
def test_bad_input_gets_one_clear_line(home: Path, arguments: list[str], told: str) -> None:
    result = shardloom(home, *arguments)
    assert result.returncode == 1
    assert told in result.stderr
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1
