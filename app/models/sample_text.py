"""A text that a model is measured on or calibrated by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.core.errors import BadInputError, reason_of

MAXIMUM_TEXT_BYTES = 16 << 20


@dataclass(frozen=True)
class SampleText:
    """A text to predict, under the name that results carry."""

    name: str
    content: str

    @classmethod
    def read(cls, path: Path) -> SampleText:
        """Read a text file in UTF-8. Raises `BadInputError` where it is not one."""
        try:
            if path.stat().st_size > MAXIMUM_TEXT_BYTES:
                raise BadInputError("sample_text.too_large", path=str(path))
            return cls(path.name, path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise BadInputError(
                "text_file.unreadable", path=str(path), reason=reason_of(error)
            ) from error
