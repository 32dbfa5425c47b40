"""Quantised families that need more than a hidden state, on three virtual phones and audited."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.__main__ import main
from app.models.library import Library
from app.models.whole import run_whole
from tests.soak import slice_of_several
from tests.unit.models.families import write_family

PROMPT, TOKENS = [5, 150, 9], 12
SUBJECTS = (("bloom", "q8"), ("gemma2", "q4"))


@pytest.mark.parametrize(("name", "quantization"), slice_of_several(SUBJECTS, SUBJECTS[1]))
def test_phones_pass_on_nothing_but_the_hidden_state_and_answer_as_the_whole_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, quantization: str
) -> None:
    folder, home = write_family(tmp_path / "c", name), tmp_path / "home"
    (folder / "tokenizer.json").unlink()
    command = ["models", "import", str(folder), "--name", name, "--quantize", quantization]
    assert main([*command, "--home", str(home)]) == 0
    capsys.readouterr()
    command = ["run", name, "--rack", "virtual:3", "--patience", "5", "--json"]
    command += ["--token-ids", ",".join(map(str, PROMPT)), "--tokens", str(TOKENS)]
    command += ["--home", str(home)]
    assert main(command) == 0
    outcome = json.loads(capsys.readouterr().out)
    library = Library(home)
    assert outcome["token_ids"] == run_whole(library.get(name), library, PROMPT, TOKENS)
    assert len(outcome["assignment"]) == 3
    assert (outcome["receipts"], outcome["audits"], outcome["slashes"]) == (3, 3, 0)
