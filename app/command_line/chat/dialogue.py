"""What was said so far, and how the next answer is made; nothing here uses the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from app.core.conversation import ChatMessage, Conversation, Overflow, Speaker
from app.core.errors import BadInputError
from app.core.tasks import Chat
from app.rack.commands import Ask, Sampling

SEEDS: Final = 1 << 63


@dataclass(frozen=True)
class ChatSettings:
    """How answers are made; `tokens` is None where the context may be filled."""

    temperature: float = 0.6
    top_p: float = 0.9
    top_k: int = 0
    min_p: float = 0.0
    seed: int = 0
    tokens: int | None = None
    overflow: Overflow = Overflow.SHORTEN

    def but(self, name: str, text: str) -> ChatSettings:
        """Return the same with another value, as it was typed. Raises `BadInputError`."""
        if name not in _SETTINGS:
            raise BadInputError("chat.no_setting", name=name, known=tuple(_SETTINGS))
        read, fits = _SETTINGS[name]
        try:
            value = read(text)
        except ValueError:
            raise BadInputError("chat.setting_refused", name=name, value=text) from None
        if not fits(value):
            raise BadInputError("chat.setting_refused", name=name, value=text)
        changed: dict[str, Any] = {name: value}
        return replace(self, **changed)

    def told(self) -> tuple[tuple[str, str], ...]:
        """Return every setting with its value, as it can be typed."""
        return tuple((name, _typed(getattr(self, name))) for name in _SETTINGS)


class SaidTurn(NamedTuple):
    """What was said, with pictures, and what was answered."""

    asked: str
    answered: str
    pictures: tuple[bytes, ...] = ()


@dataclass
class Dialogue:
    """One conversation; a turn counts once it has an answer."""

    system: str = ""
    settings: ChatSettings = ChatSettings()
    turns: list[SaidTurn] = field(default_factory=list)
    pictures: list[bytes] = field(default_factory=list)
    """Files that go with what is said next."""

    def ask(self, text: str) -> Ask:
        """Return what to ask for the next answer; each turn draws from a seed of its own."""
        chosen = self.settings
        sampling = Sampling(
            chosen.temperature,
            chosen.top_p,
            (chosen.seed + len(self.turns)) % SEEDS,
            top_k=chosen.top_k,
            min_p=chosen.min_p,
        )
        said = (*self.messages(), ChatMessage(Speaker.USER, text, tuple(self.pictures)))
        return Ask(Chat(said, chosen.overflow), chosen.tokens, sampling)

    def messages(self) -> Conversation:
        """Return all that was said and answered."""
        said = [ChatMessage(Speaker.SYSTEM, self.system)] if self.system else []
        for turn in self.turns:
            said.append(ChatMessage(Speaker.USER, turn.asked, turn.pictures))
            said.append(ChatMessage(Speaker.ASSISTANT, turn.answered))
        return tuple(said)

    def answered(self, text: str, answer: str) -> None:
        """Add a turn; one without any answer is as if it had not been said."""
        if answer.strip():
            self.turns.append(SaidTurn(text, answer.strip(), tuple(self.pictures)))
            self.pictures.clear()


def _tokens(text: str) -> int | None:
    return None if text == "all" else int(text)


def _typed(value: object) -> str:
    return "all" if value is None else str(value)


_SETTINGS: Final[Mapping[str, tuple[Callable[[str], Any], Callable[[Any], bool]]]] = {
    "temperature": (float, lambda value: 0 <= value <= 2),
    "top_p": (float, lambda value: 0 <= value <= 1),
    "top_k": (int, lambda value: 0 <= value <= 1 << 20),
    "min_p": (float, lambda value: 0 <= value <= 1),
    "seed": (int, lambda value: 0 <= value < SEEDS),
    "tokens": (_tokens, lambda value: value is None or 1 <= value <= 1 << 20),
    "overflow": (Overflow, lambda _value: True),
}
"""How each setting is read, and which values it has."""
