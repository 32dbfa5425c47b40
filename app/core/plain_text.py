"""Text from outside that may hold what is no character: halves of surrogate pairs."""

from __future__ import annotations

from app.core.errors import BadInputError


def plain_text(text: str) -> str:
    """Return the text as it is. Raises `BadInputError` where it cannot be written as UTF-8.

    Python stands a half surrogate in for each byte of an argument that it could not decode
    (PEP 383); a text field may pass one on too.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        shown = text[max(error.start - 10, 0) : error.start + 1]
        code = ord(text[error.start])
        byte = f"byte 0x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"U+{code:04X}"
        raise BadInputError(
            f"The text is not UTF-8: {byte} at character {error.start + 1},"
            f" {shown.encode(errors='replace').decode()!r}."
        ) from None
    return text
