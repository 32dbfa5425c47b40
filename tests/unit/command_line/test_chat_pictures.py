"""Pictures in a conversation in the terminal."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import cast

import pytest
from PIL import Image

from app.__main__ import main
from app.command_line.chat.dialogue import Dialogue
from app.command_line.chat.slash_commands import Chatting, carry_out
from app.command_line.rack_session import RackSession
from app.core.errors import BadInputError
from app.core.tasks import Chat
from tests.saying import raises_saying


def chatting() -> Chatting:
    return Chatting(cast(RackSession, None), Dialogue(), "m")


def test_a_picture_goes_with_the_next_message_and_stays_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, talk = tmp_path / "a b.png", chatting()
    Image.new("RGB", (4, 4)).save(path)
    carry_out(f"/image {path}", talk)
    assert "1 picture goes" in capsys.readouterr().out
    asked = talk.dialogue.ask("what?")
    assert isinstance(asked.task, Chat)
    assert asked.task.conversation[-1].pictures == (path.read_bytes(),)
    talk.dialogue.answered("what?", "black")
    later = talk.dialogue.ask("sure?")
    assert isinstance(later.task, Chat)
    assert [len(each.pictures) for each in later.task.conversation] == [1, 0, 0]
    carry_out(f"/save {tmp_path / 'talk.json'}", talk)
    saved = json.loads((tmp_path / "talk.json").read_text())["messages"][0]["content"]
    address = saved[0]["image_url"]["url"]
    assert base64.b64decode(address.partition(",")[2]) == path.read_bytes()
    assert saved[1] == {"type": "text", "text": "what?"}


def test_what_is_no_picture_is_told_when_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("none")
    talk = chatting()
    with raises_saying(BadInputError, match="no picture of a form"):
        carry_out(f"/image {tmp_path / 'a.png'}", talk)
    with raises_saying(BadInputError, match="Cannot read the picture"):
        carry_out(f"/image {tmp_path / 'b.png'}", talk)
    assert not talk.dialogue.pictures
    talk.dialogue.pictures.append(b"x")
    carry_out("/image", talk)
    assert not talk.dialogue.pictures


def test_pictures_of_earlier_messages_count(tmp_path: Path) -> None:
    path, talk = tmp_path / "a.png", chatting()
    Image.new("RGB", (4, 4)).save(path)
    for number in range(16):
        carry_out(f"/image {path}", talk)
        if number % 5 == 0:
            talk.dialogue.answered("what?", "black")
    with raises_saying(BadInputError, match="at most 16 pictures"):
        carry_out(f"/image {path}", talk)
    carry_out("/reset", talk)
    carry_out(f"/image {path}", talk)
    assert len(talk.dialogue.pictures) == 1


def test_pictures_of_a_prompt_are_read_before_a_rack_is_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.png"
    path.write_text("none")
    asked = ["run", "m", "--prompt", "what?", "--image", str(path), "--rack", "no-such-rack"]
    assert main([*asked, "--home", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert f"{path} cannot be used: This is no picture of a form that is read" in told
    assert len(told.strip().splitlines()) == 1
