"""`shardloom chat` as a program: turns, /commands, Ctrl-C, contexts that are full."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from app.command_line.chat.lines import PROMPT
from app.models.library import Library
from tests.integration.command_line.served_rack import TIMEOUT_S, ServedRack, command, served
from tests.unit.models.chat.chat_templates import CHATML
from tests.unit.models.support import write_random

TALKER = "talker"
CONTEXT = 4096
GREEDY = "/set temperature 0\n/set tokens 5\n"


def import_talker(folder: Path, home: Path) -> None:
    """Put a model with a chat template into a home."""
    talker = write_random(folder / TALKER, max_position_embeddings=CONTEXT)
    (talker / "chat_template.jinja").write_text(CHATML)
    Library(home).import_folder(talker, TALKER)


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedRack]:
    home = tmp_path_factory.mktemp("home")
    import_talker(tmp_path_factory.mktemp("c"), home)
    more = ("--model", TALKER, "--context", str(CONTEXT))
    with served(home, "virtual:2", *more) as found:
        yield found


def talk(rack: ServedRack, given: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Type lines to a chat on the open rack."""
    return rack.run("chat", TALKER, *more, given=given)


def saved(folder: Path, talked: subprocess.CompletedProcess[str]) -> list[dict[str, str]]:
    """Return the messages of the conversation that was saved."""
    assert talked.returncode == 0, talked.stderr
    messages: list[dict[str, str]] = json.loads((folder / "talk.json").read_text())["messages"]
    return messages


def test_each_turn_follows_from_all_before_it(rack: ServedRack, tmp_path: Path) -> None:
    lines = f"{GREEDY}/system be kind\nhello\n//and more\n/save {tmp_path}/talk.json\n"
    messages = saved(tmp_path, talk(rack, lines))
    roles = ["system", "user", "assistant", "user", "assistant"]
    assert [each["role"] for each in messages] == roles
    assert [each["content"] for each in messages[:2]] == ["be kind", "hello"]
    assert messages[3]["content"] == "/and more"
    asked = {"model": TALKER, "messages": messages[:-1], "temperature": 0, "max_tokens": 5}
    answer = httpx2.post(f"{rack.address}/v1/chat/completions", json=asked, timeout=TIMEOUT_S)
    assert answer.json()["choices"][0]["message"]["content"].strip() == messages[-1]["content"]


def test_a_conversation_begins_again_and_settings_are_told(
    rack: ServedRack, tmp_path: Path
) -> None:
    lines = f"{GREEDY}one\n/reset\ntwo\n/save {tmp_path}/talk.json\n/set\n/help\n/quit\nnever\n"
    talked = talk(rack, lines, "--system", "be brief")
    messages = saved(tmp_path, talked)
    assert [each["content"] for each in messages[:2]] == ["be brief", "two"]
    assert len(messages) == 3
    assert "temperature 0.0" in talked.stdout
    assert "/model [NAME]" in talked.stdout


def test_what_cannot_be_done_is_told_in_a_line_and_the_talk_goes_on(
    rack: ServedRack, tmp_path: Path
) -> None:
    (tmp_path / "there.json").write_text("mine")
    wrong = (
        "/nope",
        "/set temperature hot",
        "/set nothing 1",
        "/model demo",
        "/save",
        f"/save {tmp_path}/there.json",
    )
    talked = talk(rack, "\n".join((*wrong, f"/save {tmp_path}/talk.json", "")))
    assert saved(tmp_path, talked) == []
    assert talked.stderr.count("\n") == len(wrong)
    assert (tmp_path / "there.json").read_text() == "mine"


def test_a_line_that_is_no_text_is_refused_alone(rack: ServedRack) -> None:
    talked = subprocess.run(
        command(rack.home, "chat", TALKER),
        input=b"caf\xe9\n/set tokens 2\nhello\n",
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert talked.returncode == 0
    assert b"0xe9" in talked.stderr


def test_ctrl_c_stops_the_answer_and_not_the_program(rack: ServedRack) -> None:
    with rack.start("chat", TALKER) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        program.stdin.write("/set temperature 0\n/set tokens 3900\nhello\n")
        program.stdin.flush()
        settings = [program.stdout.readline() for _ in range(14)]
        assert "overflow shorten\n" in settings
        assert program.stdout.read(1)
        program.send_signal(signal.SIGINT)
        _, told = program.communicate("/set tokens 2\nagain\n", timeout=TIMEOUT_S)
    assert program.returncode == 0
    assert told == "shardloom: Stopped.\n"


def test_a_full_context_is_refused_or_loses_its_oldest_turns_as_set(rack: ServedRack) -> None:
    turns = "".join(f"{'word ' * 300}{number}\n" for number in range(5))
    shortened = talk(rack, f"/set tokens 2\n{turns}")
    assert shortened.returncode == 0
    assert "oldest turn" in shortened.stderr
    refused = talk(rack, f"/set tokens 2\n{turns}", "--overflow", "refuse")
    assert refused.returncode == 0
    assert f"exceed the context of {CONTEXT}" in refused.stderr


def test_a_model_that_cannot_talk_is_refused(rack: ServedRack) -> None:
    refused = rack.run("chat", "nobody")
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith("shardloom: ")


def _until_asked(terminal: int) -> bytes:
    """Read what is shown until the next prompt: what is typed before is not the editor's."""
    shown = b""
    deadline_s = time.monotonic() + TIMEOUT_S
    while not shown.endswith(PROMPT.encode()):
        ready, _, _ = select.select([terminal], [], [], deadline_s - time.monotonic())
        assert ready, shown
        shown += os.read(terminal, 1 << 16)
    return shown


def test_a_terminal_edits_lines_and_keeps_them_for_their_owner(rack: ServedRack) -> None:
    terminal, end = pty.openpty()
    program = subprocess.Popen(
        command(rack.home, "chat", TALKER), stdin=end, stdout=end, stderr=end
    )
    os.close(end)
    try:
        for line in (b"/set tokens 2\n", b"hello\n", b"\x04"):
            shown = _until_asked(terminal)
            os.write(terminal, line)
        assert program.wait(TIMEOUT_S) == 0, shown
    finally:
        program.kill()
        program.wait()
        os.close(terminal)
    history = rack.home / "chat-history"
    assert history.read_text().splitlines() == ["/set tokens 2", "hello"]
    assert history.stat().st_mode & 0o777 == 0o600


def test_without_an_open_rack_one_is_opened_for_the_talk(tmp_path: Path) -> None:
    home = tmp_path / "home"
    import_talker(tmp_path, home)
    given = f"{GREEDY}hello\n/save {tmp_path}/talk.json\n"
    arguments = ("chat", TALKER, "--rack", "virtual:1", "--patience", "3")
    talked = subprocess.run(
        command(home, *arguments),
        input=given,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert [each["role"] for each in saved(tmp_path, talked)] == ["user", "assistant"]
