"""What a field of a message may hold, said beside the field: `Annotated[int, Integer(0, 9)]`.

A bound checks a value, whichever way it goes, and says in words for docs/wire-protocol.md what
it lets through. A message is read and written field by field, each by its form, which
`workers.protocol.forms` makes of its type and bound.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, NamedTuple, Protocol

from workers.errors import WireError

MAXIMUM_TEXT: Final = 256
MAXIMUM_WIDTH: Final = 1 << 20
MAXIMUM_VOCABULARY: Final = 16 * MAXIMUM_WIDTH
DIGEST_FORM: Final = re.compile(rb"[0-9a-f]{64}")
Check = Callable[[Any], Any]


class FieldError(WireError):
    """A field that is missing, too much or not what its bound allows; `field` names it."""

    def __init__(self, reason: str, /, *, field: str = "", **fields: str | float) -> None:
        super().__init__(reason, field=field, **fields)
        self.field = field

    def inside(self, outer: str) -> FieldError:
        """Return the same error, told of a field within another."""
        between = "." if self.field and not self.field.startswith("[") else ""
        fields = dict(self.fields) | {"field": f"{outer}{between}{self.field}"}
        return FieldError(self.reason, **fields)


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
        low, high, multiple = self.minimum, self.maximum, self.multiple

        def check(value: Any) -> int:  # noqa: ANN401
            if type(value) is int and low <= value <= high and not value % multiple:
                return value
            raise FieldError("field.no_multiple", **_range(low, high), multiple=multiple)

        def check_range(value: Any) -> int:  # noqa: ANN401
            if type(value) is int and low <= value <= high:
                return value
            raise FieldError("field.no_integer", **_range(low, high))

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
            raise FieldError("field.other_protocol", spoken=spoken)

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
        low, high = self.minimum, self.maximum

        def check(value: Any) -> float:  # noqa: ANN401
            if type(value) is float and low <= value <= high:
                return value
            if type(value) is int and low <= value <= high:
                return float(value)
            raise FieldError("field.no_number", **_range(low, high))

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
        low, high, ascii_only = self.minimum, self.maximum, self.ascii_only

        def check(value: Any) -> str:  # noqa: ANN401
            if type(value) is str and low <= len(value) <= high:  # noqa: SIM102 - quicker so
                if not ascii_only or value.isascii():
                    return value
            raise self.refusal()

        return check

    def refusal(self) -> FieldError:
        """Return the error that names the length."""
        if not self.ascii_only:
            return FieldError("field.no_text", **_range(self.minimum, self.maximum))
        if self.minimum == self.maximum:
            return FieldError("field.no_exact_ascii", count=self.maximum)
        return FieldError("field.no_ascii", **_range(self.minimum, self.maximum))

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

        def check(value: Any) -> str:  # noqa: ANN401
            if type(value) is str and is_digest(value):
                return value
            raise FieldError("field.no_digest")

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
        low, high = self.minimum, self.maximum

        def check(value: Any) -> bytes:  # noqa: ANN401
            if type(value) is bytes and low <= len(value) <= high:
                return value
            raise self.refusal()

        return check

    def refusal(self) -> FieldError:
        """Return the error that names the length."""
        if self.minimum == self.maximum:
            return FieldError("field.no_exact_bytes", count=self.maximum)
        return FieldError("field.no_bytes", **_range(self.minimum, self.maximum))

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
        texts = frozenset(self.texts)

        def check(value: Any) -> str:  # noqa: ANN401
            if type(value) is str and value in texts:
                return value
            raise self.refusal()

        return check

    def refusal(self) -> FieldError:
        """Return the error that names them."""
        return FieldError("field.no_choice", choices=", ".join(map(repr, self.texts)))

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


class Form(NamedTuple):
    """Both ways of one type; each raises `FieldError`. `words` is for docs/wire-protocol.md."""

    read: Check
    write: Check
    words: str


def read_fields(forms: dict[str, Form], values: dict[str, Any]) -> list[Any]:
    """Return what a map holds, in order. Raises `FieldError` naming what is wrong in it."""
    found = []
    for name, form in forms.items():
        if name not in values:
            raise FieldError("field.missing", field=name)
        try:
            found.append(form.read(values[name]))
        except FieldError as error:
            raise error.inside(name) from None
    for name in values:
        if name not in forms:
            raise FieldError("field.surplus", field=f"{name!r:.34}")
    return found


def write_fields(forms: dict[str, Form], message: object) -> dict[str, Any]:
    """Return a dataclass as a map. Raises `FieldError` naming what is wrong in it."""
    written = {}
    for name, form in forms.items():
        try:
            written[name] = form.write(getattr(message, name))
        except FieldError as error:
            raise error.inside(name) from None
    return written


def is_digest(text: object) -> bool:
    """Tell whether this is a SHA-256 in lower-case hexadecimal."""
    return isinstance(text, str) and bool(DIGEST_FORM.fullmatch(text.encode(errors="replace")))


def _range(low: float, high: float) -> dict[str, str]:
    return {"low": _number(low), "high": _number(high)}


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
