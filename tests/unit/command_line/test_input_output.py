"""Texts that are none, and outputs that take nothing: one line, before or after the work."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.__main__ import main
from app.command_line.text_input import prompt_of, read_text, refuse_undecodable
from app.core.errors import BadInputError
from app.models.formats.plain_text import plain_text
from app.models.formats.tokenizer import TextTokenizer
from tests.saying import raises_saying
from tests.unit.models.support import tokenizer

ROOT = Path(__file__).parents[3]
LATIN_1 = "caf\udce9"
"""What Python makes of the argument b"caf\\xe9"."""
DOCTOR = (sys.executable, "-m", "app", "doctor")


def shardloom(
    *arguments: str | bytes, stdout: int | None = subprocess.PIPE, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        env=os.environ | variables,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "demo", "--prompt", LATIN_1),
        ("run", "demo", "--prompt", LATIN_1, "--task", "summarise"),
        ("run", "demo", "--prompt", LATIN_1, "--chat"),
        ("run", "demo", "--prompt", "x", "--chat", "--system", LATIN_1),
        ("run", "demo", "--prompt", "x", "--task", "translate", "--language", LATIN_1),
        ("run", "demo", "--prompt", "x", "--stop", LATIN_1),
        ("run", LATIN_1, "--prompt", "x"),
        ("classify", "demo", "--text", "x", "--text", LATIN_1),
        ("embed", "demo", "--text", LATIN_1),
    ],
)
def test_a_text_that_is_not_utf_8_is_refused_in_one_line_before_a_rack_opens(
    arguments: tuple[str, ...], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--rack", "virtual:1", "--home", str(home)]) == 1
    told = capsys.readouterr()
    assert "is not UTF-8: byte 0xe9" in told.err
    assert len(told.err.splitlines()) == 1
    assert not home.exists()


def test_bytes_of_another_encoding_are_refused_as_the_shell_passes_them(home: Path) -> None:
    ended = shardloom("run", "demo", "--home", str(home), "--prompt", b"caf\xe9")
    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)
    assert "byte 0xe9 at character 4" in ended.stderr
    assert "--prompt-file" in ended.stderr


@given(text=st.text(st.characters()))
def test_a_text_is_plain_exactly_where_it_can_be_written_as_utf_8(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        with pytest.raises(BadInputError) as refusal:
            plain_text(text)
        str(refusal.value).encode()
    else:
        assert plain_text(text) == text


def test_the_tokenizer_refuses_half_a_surrogate_pair_too() -> None:
    known = TextTokenizer(tokenizer())
    for encode in (known.encode, known.encode_rendered):
        with raises_saying(BadInputError, match=r"U\+D83D"):
            encode("\ud83d")


def test_a_prompt_is_read_from_a_file_in_its_encoding(tmp_path: Path) -> None:
    file = tmp_path / "prompt"
    file.write_bytes(b"caf\xe9")
    asked = argparse.Namespace(prompt=None, prompt_file=file, encoding="latin-1")
    assert prompt_of(asked) == "café"
    with raises_saying(BadInputError, match="Cannot read the text"):
        read_text(file, "utf-8")
    with raises_saying(BadInputError, match="Cannot read the text"):
        read_text(tmp_path / "nothing", "utf-8")


def test_a_file_whose_encoding_yields_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "prompt"
    file.write_bytes(b"+2D0-")  # a half surrogate in UTF-7
    with pytest.raises(BadInputError):
        read_text(file, "utf-7")


@pytest.mark.parametrize("name", ["no-such", "hex", "rot13"])
def test_only_encodings_of_text_are_taken(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["run", "demo", "--prompt-file", "x", "--encoding", name])
    assert "is no text encoding" in capsys.readouterr().err


def test_a_rack_file_may_have_a_name_that_is_not_utf_8() -> None:
    refuse_undecodable(argparse.Namespace(rack=LATIN_1, home=Path(LATIN_1), prompt="x"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_full_disk_is_one_line_and_status_1(form: tuple[str, ...], home: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = shardloom("doctor", *form, "--home", str(home), stdout=full.fileno())
    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)
    assert "No space left on device" in ended.stderr


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_reader_that_went_away_is_one_line_and_status_1(
    form: tuple[str, ...], home: Path
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = shardloom("doctor", *form, "--home", str(home), stdout=writing)
    finally:
        os.close(writing)
    assert ended.returncode == 1
    assert ended.stderr == "shardloom: The result was not written whole: Broken pipe.\n"


def test_a_closed_output_is_one_line_and_status_1(home: Path) -> None:
    closing = 'exec "$@" >&-'
    ended = subprocess.run(
        ["/bin/sh", "-c", closing, "sh", *DOCTOR, "--home", str(home)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr == "shardloom: Standard output is closed: the result was not written.\n"


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_characters_that_the_output_has_not_are_escaped(form: tuple[str, ...]) -> None:
    home = Path("/nowhere/caf\u00e9-\u25cf")
    ended = shardloom("doctor", *form, "--home", str(home), PYTHONIOENCODING="ascii")
    assert "Traceback" not in ended.stderr
    assert "\\u25cf" in ended.stdout
    if form:
        assert str(home) in str(json.loads(ended.stdout))
