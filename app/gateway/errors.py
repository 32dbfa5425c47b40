"""What goes wrong with an HTTP request: a status, a code and fields, in OpenAI's shape."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from app.core.errors import (
    BadInputError,
    DoesNotFitError,
    PhoneLostError,
    PhoneUnauthorizedError,
    ShardloomError,
)
from app.core.facts import Fact, FieldValue
from app.words.sentences import error_text

_OWN: Final = "gateway."
_TOO_MANY: Final = "request.too_many"
_OPENAIS: Final = {
    "request.beyond_context": "context_length_exceeded",
    "request.text_too_long": "context_length_exceeded",
    _TOO_MANY: "rate_limit_exceeded",
}
"""What OpenAI calls what a rack refuses; clients go by these words."""
_RETRY_S: Final = 5.0
LONGEST_MESSAGE: Final = 1000
"""Characters: a message may name what was sent, and need not repeat all of it."""


class ApiError(ShardloomError):
    """A request that cannot be done, or an answer that ends early.

    `parameter` is the part of the body that it is about, such as `messages.0.role`.
    """

    def __init__(
        self,
        status: HTTPStatus,
        what: str | Fact,
        /,
        *,
        parameter: str | None = None,
        retry_after_s: float | None = None,
        **fields: FieldValue,
    ) -> None:
        super().__init__(what, **fields)
        self.status = status
        self.parameter = parameter
        self.retry_after_s = retry_after_s

    @property
    def code(self) -> str:
        """What programs go by: OpenAI's own word where there is one, else the fact's code."""
        code = self.fact.code
        return _OPENAIS.get(code, code.removeprefix(_OWN))


class BadRequestError(ApiError):
    """A body that is not as it has to be, or asks for what cannot be done."""

    def __init__(self, what: str, /, *, parameter: str | None = None, **fields: FieldValue) -> None:
        super().__init__(HTTPStatus.BAD_REQUEST, Fact(what, **fields), parameter=parameter)


class ClientGoneError(Exception):
    """The client has closed its connection: nobody is there to be told anything."""


def from_rack(error: ShardloomError) -> ApiError:
    """Return what an error of the rack comes to over HTTP."""
    match error:
        case BadInputError() if error.fact.code == _TOO_MANY:
            status = HTTPStatus.TOO_MANY_REQUESTS
            return ApiError(status, error.fact, retry_after_s=_RETRY_S)
        case BadInputError():
            status = HTTPStatus.BAD_REQUEST
        case DoesNotFitError() | PhoneLostError() | PhoneUnauthorizedError():
            status = HTTPStatus.SERVICE_UNAVAILABLE
        case _:
            status = HTTPStatus.INTERNAL_SERVER_ERROR
    return ApiError(status, error.fact)


def error_body(error: ApiError) -> dict[str, Any]:
    """Return the body that OpenAI's clients read; `type` follows from the status."""
    return {
        "error": {
            "message": error_text(error)[:LONGEST_MESSAGE],
            "type": _type_of(error.status),
            "param": error.parameter,
            "code": error.code,
        }
    }


def _type_of(status: HTTPStatus) -> str:
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return "authentication_error"
        case HTTPStatus.TOO_MANY_REQUESTS:
            return "rate_limit_error"
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return "server_error"
        case _:
            return "invalid_request_error"
