"""Pictures in a message: `data:` addresses only, as a rack fetches nothing from outside."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from app.core.conversation import MOST_PICTURE_BYTES
from app.gateway.errors import BadRequestError

_DATA: Final = re.compile(r"data:[\w.+-]*(?:/[\w.+*-]+)?(?:;[\w-]+=[\w.-]+)*;base64,", re.ASCII)
MOST_ADDRESS_CHARACTERS: Final = 4 * (MOST_PICTURE_BYTES // 3 + 1) + 256


def picture_of(url: str, where: str) -> bytes:
    """Return the bytes in a `data:` address; `where` names the field.

    Raises `BadRequestError` for any other address.
    """
    begun = _DATA.match(url)
    if begun is None:
        raise BadRequestError("gateway.picture_elsewhere", parameter=where)
    try:
        return base64.b64decode(url[begun.end() :], validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequestError(
            "gateway.picture_not_base64", parameter=where, reason=str(error)
        ) from None
