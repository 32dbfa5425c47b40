"""Pictures in messages: taken from `data:` addresses, and from nowhere else."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.tasks import Chat
from app.gateway.errors import ApiError
from app.gateway.openai.bodies import checked
from app.gateway.openai.schema import ChatBody
from app.gateway.openai.translation import chat_asks
from app.words.sentences import error_text

TEXT = {"type": "text", "text": "What is this?"}


def asked(*parts: dict[str, Any]) -> Chat:
    body = {"model": "m", "messages": [{"role": "user", "content": list(parts)}]}
    (ask,) = chat_asks(checked(body, ChatBody))
    assert isinstance(ask.task, Chat)
    return ask.task


def picture(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


@given(st.binary(max_size=200), st.sampled_from(["image/png", "image/jpeg;name=a.b", ""]))
def test_a_data_address_is_the_picture(content: bytes, kind: str) -> None:
    url = f"data:{kind};base64,{base64.b64encode(content).decode()}"
    (message,) = asked(TEXT, picture(url), picture(url)).conversation
    assert (message.text, message.pictures) == ("What is this?", (content, content))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://example.org/a.png", "nothing is fetched from elsewhere"),
        ("file:///etc/passwd", "nothing is fetched from elsewhere"),
        ("data:image/png,abc", "nothing is fetched from elsewhere"),
        ("data:image/png;base64,a b=", "no base64"),
        ("data:image/png;base64,abc", "no base64"),
    ],
)
def test_other_addresses_are_refused_with_their_place(url: str, said: str) -> None:
    with pytest.raises(ApiError) as refused:
        asked(TEXT, picture(url))
    assert said in error_text(refused.value)
    assert refused.value.parameter == "messages.0.content.1.image_url.url"


def test_parts_of_other_kinds_are_refused() -> None:
    with pytest.raises(ApiError):
        asked({"type": "input_audio", "input_audio": {}})
