"""Text from outside that may hold what is no character: halves of surrogate pairs."""

from __future__ import annotations

from app.core.errors import BadInputError
from app.core.facts import Fact


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
        position, letters = error.start + 1, repr(shown.encode(errors="replace").decode())
        if 0xDC80 <= code <= 0xDCFF:
            byte = f"0x{code - 0xDC00:02x}"
            what = Fact("text.byte_not_utf8", byte=byte, position=position, shown=letters)
        else:
            half = f"U+{code:04X}"
            what = Fact("text.half_surrogate", half=half, position=position, shown=letters)
        raise BadInputError(what) from None
    return text
