"""What a request asked for, in the bytes whose SHA-256 phones sign: its text and its tokens.

A salt keeps anybody who sees only the digest from guessing a text by it.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Final, Self

import rfc8785

from app.core.errors import BadInputError
from app.core.identifiers import BlobHash, RequestId
from app.core.model import ModelManifest
from app.proof.records.json_fields import flag, json_object, records, text, whole_numbers
from app.proof.records.picture_text import PictureText
from workers.protocol.span_shape import RowForm

SALT_BYTES: Final = 16
_REQUEST_TYPE: Final = "poip/v3/request"
_MODEL_TYPE: Final = "poip/v3/model"


@dataclass(frozen=True)
class RequestText:
    """A request's prompt: as text where there was one, and as the tokens it became."""

    request: RequestId
    salt: bytes
    tokens: tuple[int, ...]
    text: str = ""
    """What was tokenised, a chat's marks included; empty where tokens were given."""
    rendered: bool = False
    """Whether the text has its special tokens already, from a chat template."""
    pictures: tuple[PictureText, ...] = ()
    """What some of the tokens stand for."""

    def content(self) -> bytes:
        """Return the bytes whose SHA-256 stands for the request."""
        fields: dict[str, Any] = {
            "type": _REQUEST_TYPE,
            "request": self.request,
            "salt": self.salt.hex(),
            "tokens": list(self.tokens),
            "text": self.text,
            "rendered": self.rendered,
        }
        if self.pictures:
            fields["pictures"] = [each.fields() for each in self.pictures]
        return rfc8785.dumps(fields)

    @property
    def digest(self) -> str:
        """What phones sign, hexadecimal."""
        return sha256_of(self.content())

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Return what such bytes say. Raises `BadInputError` for any other."""
        fields = json_object(data)
        try:
            salt = bytes.fromhex(text(fields, "salt"))
        except ValueError:
            raise BadInputError("proof.odd_field", field="salt") from None
        read = cls(
            RequestId(text(fields, "request")),
            salt,
            whole_numbers(fields, "tokens"),
            text(fields, "text"),
            flag(fields, "rendered"),
            tuple(map(PictureText.read, records(fields, "pictures")))
            if "pictures" in fields
            else (),
        )
        if read.content() != data:
            raise BadInputError("proof.not_canonical")
        return read


@lru_cache(maxsize=8)
def model_content(manifest: ModelManifest) -> bytes:
    """Return the bytes whose SHA-256 stands for a model: everything known of it but weights.

    Each attempt asks for those of the same few models, of hundreds of blocks.
    """
    fields: dict[str, Any] = asdict(manifest)
    # models are called as before caches had forms, and some had eyes
    if manifest.cache_rows is RowForm.F32:
        del fields["cache_rows"]
    if manifest.eyes is None:
        del fields["eyes"]
    return rfc8785.dumps({"type": _MODEL_TYPE, "manifest": _exact(fields)})


def tokenizer_digest(model: bytes) -> BlobHash | None:
    """Return the SHA-256 of the tokenizer that such bytes name, None where they name none.

    Raises `BadInputError` for any other bytes.
    """
    manifest = json_object(model).get("manifest")
    tokenizer = manifest.get("tokenizer") if isinstance(manifest, dict) else None
    return BlobHash(text(tokenizer, "sha256")) if isinstance(tokenizer, dict) else None


def _exact(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a value with lists for tuples and plain text for enumerations."""
    if isinstance(value, dict):
        return {name: _exact(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(each) for each in value]
    return str(value) if isinstance(value, str) else value


def sha256_of(data: bytes) -> str:
    """Return the SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
