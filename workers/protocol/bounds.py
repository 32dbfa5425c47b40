"""What a field of a message may hold, said beside the field: `Annotated[int, Integer(0, 9)]`.

A bound checks a value, whichever way it goes, and says in words for docs/wire-protocol.md what
it lets through.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Protocol

from workers.errors import WireError

MAXIMUM_TEXT: Final = 256
MAXIMUM_WIDTH: Final = 1 << 20
MAXIMUM_VOCABULARY: Final = 16 * MAXIMUM_WIDTH
DIGEST_FORM: Final = re.compile(rb"[0-9a-f]{64}")
Check = Callable[[Any], Any]


class FieldError(WireError):
    """A field that is missing, too much or not what its bound allows; the message names it."""

    def __init__(self, why: str, field: str = "") -> None:
        super().__init__(f"field {field} {why}")
        self.why = why
        self.field = field

    def inside(self, outer: str) -> FieldError:
        """Return the same error, told of a field within another."""
        between = "." if self.field and not self.field.startswith("[") else ""
        return FieldError(self.why, f"{outer}{between}{self.field}")


class Bound(Protocol):
    """What is said beside a field."""

    def check(self) -> Check:
        """Return what returns a value as it is, and raises `FieldError` for one out of bounds.

        It is called for every field of every message, and therefore made once, a closure.
        """

    @property
    def words(self) -> str:
        """What is let through, for people."""


@dataclass(frozen=True)
class Integer:
    """A whole number from `minimum` to `maximum`, both included, that `multiple` divides."""

    minimum: int
    maximum: int
    multiple: int = 1

    def check(self) -> Check:
        """Return the check."""
        low, high, multiple, words = self.minimum, self.maximum, self.multiple, self.words

        def check(value: Any) -> int:  # noqa: ANN401
            if type(value) is int and low <= value <= high and not value % multiple:
                return value
            raise FieldError(f"is no {words}")

        def check_range(value: Any) -> int:  # noqa: ANN401
            if type(value) is int and low <= value <= high:
                return value
            raise FieldError(f"is no {words}")

        return check_range if multiple == 1 else check

    @property
    def words(self) -> str:
        """The range."""
        steps = "" if self.multiple == 1 else f", multiple of {self.multiple}"
        return f"integer, {_number(self.minimum)} to {_number(self.maximum)}{steps}"


@dataclass(frozen=True)
class Version:
    """The one number of the protocol that is spoken here."""

    spoken: int

    def check(self) -> Check:
        """Return the check."""
        spoken = self.spoken

        def check(value: Any) -> int:  # noqa: ANN401
            if type(value) is int and value == spoken:
                return value
            raise FieldError(f"is not {spoken}: this end speaks protocol {spoken}")

        return check

    @property
    def words(self) -> str:
        """The number."""
        return f"integer, {self.spoken}"


@dataclass(frozen=True)
class Number:
    """A finite number from `minimum` to `maximum`, both included."""

    minimum: float
    maximum: float

    def check(self) -> Check:
        """Return the check."""
        low, high, words = self.minimum, self.maximum, self.words

        def check(value: Any) -> float:  # noqa: ANN401
            if type(value) is float and low <= value <= high:
                return value
            if type(value) is int and low <= value <= high:
                return float(value)
            raise FieldError(f"is no {words}")

        return check

    @property
    def words(self) -> str:
        """The range."""
        return f"number, {_number(self.minimum)} to {_number(self.maximum)}"


@dataclass(frozen=True)
class Text:
    """A text of so many characters."""

    minimum: int = 1
    maximum: int = MAXIMUM_TEXT
    ascii_only: bool = False

    def check(self) -> Check:
        """Return the check."""
        low, high, ascii_only, words = self.minimum, self.maximum, self.ascii_only, self.words

        def check(value: Any) -> str:  # noqa: ANN401
            if type(value) is str and low <= len(value) <= high:  # noqa: SIM102 - quicker so
                if not ascii_only or value.isascii():
                    return value
            raise FieldError(f"is no {words}")

        return check

    @property
    def words(self) -> str:
        """The length."""
        kind = "ASCII text" if self.ascii_only else "text"
        if self.minimum == self.maximum:
            return f"{kind}, {self.maximum} characters"
        return f"{kind}, {self.minimum} to {self.maximum} characters"


@dataclass(frozen=True)
class Digest:
    """A SHA-256 in lower-case hexadecimal."""

    def check(self) -> Check:
        """Return the check."""
        words = self.words

        def check(value: Any) -> str:  # noqa: ANN401
            if type(value) is str and is_digest(value):
                return value
            raise FieldError(f"is no {words}")

        return check

    @property
    def words(self) -> str:
        """What it is."""
        return "SHA-256 in hexadecimal"


@dataclass(frozen=True)
class Octets:
    """Bytes, from so many to so many of them."""

    minimum: int
    maximum: int

    def check(self) -> Check:
        """Return the check."""
        low, high, words = self.minimum, self.maximum, self.words

        def check(value: Any) -> bytes:  # noqa: ANN401
            if type(value) is bytes and low <= len(value) <= high:
                return value
            raise FieldError(f"is not {words}")

        return check

    @property
    def words(self) -> str:
        """The length."""
        if self.minimum == self.maximum:
            return f"{self.maximum} bytes"
        return f"{_number(self.minimum)} to {_number(self.maximum)} bytes"


@dataclass(frozen=True)
class OneOf:
    """One of a few texts."""

    texts: Sequence[str]

    def check(self) -> Check:
        """Return the check."""
        texts, words = frozenset(self.texts), self.words

        def check(value: Any) -> str:  # noqa: ANN401
            if type(value) is str and value in texts:
                return value
            raise FieldError(f"is not {words}")

        return check

    @property
    def words(self) -> str:
        """The texts."""
        return "one of " + ", ".join(f"`{text}`" if text else "empty" for text in self.texts)


@dataclass(frozen=True)
class Items:
    """How many a list may hold; what each may be is said by its own type."""

    maximum: int
    minimum: int = 0


@dataclass(frozen=True)
class Tensors:
    """How many tensors may come with a message."""

    maximum: int


def is_digest(text: object) -> bool:
    """Tell whether this is a SHA-256 in lower-case hexadecimal."""
    return isinstance(text, str) and bool(DIGEST_FORM.fullmatch(text.encode(errors="replace")))


def _number(value: float) -> str:
    """Return a bound as people read it; whole numbers beyond a million as powers of two."""
    if not isinstance(value, int):
        return f"{value:g}"
    exact, below = value.bit_length() - 1, (value + 1).bit_length() - 1
    if value > 1_000_000 and value == 1 << exact:
        return f"2^{exact}"
    if value > 1_000_000 and value == (1 << below) - 1:
        return f"2^{below} - 1"
    return f"{value:,}"


TokenId = Annotated[int, Integer(0, MAXIMUM_VOCABULARY - 1)]
ShortText = Annotated[str, Text()]
Uint32 = Annotated[int, Integer(0, (1 << 32) - 1)]
ByteCount = Annotated[int, Integer(0, 1 << 50)]
