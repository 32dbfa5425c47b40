"""What `app.gateway` says: of HTTP requests that cannot be done, by the code of their answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural, plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "gateway.answer_failed": message("The answer to request {request} failed: {reason}"),
    "gateway.answer_taken_back": plural(
        "{tokens} token was found wrong by an audit and is taken back: ask again.",
        "{tokens} tokens were found wrong by an audit and are taken back: ask again.",
        by="tokens",
    ),
    "gateway.body_too_large": message("The body is longer than {most:bytes}."),
    "gateway.body_too_slow": message("The body did not come in time."),
    "gateway.dimensions": message("The model's vectors have {has} numbers: others cannot be had."),
    "gateway.internal": message("Shardloom itself failed; its log says more."),
    "gateway.invalid_api_key": message("The key is not one that was made here, or it was revoked."),
    "gateway.invalid_value": message("{name} cannot be used: {reason}."),
    "gateway.key_name": message("A name for a key has 1 to {longest} characters that can be seen."),
    "gateway.key_taken": message("There is a key {name} already, or was one."),
    "gateway.key_unknown": message("There is no key {name}, or it was revoked before."),
    "gateway.keys_unusable": message("The keys in {path} cannot be used: {reason}."),
    "gateway.key_revoked": message("The key was revoked while the answer was written."),
    "gateway.missing_api_key": message("A key is needed: send it as Authorization: Bearer KEY."),
    "gateway.missing_parameter": message("{name} is missing."),
    "gateway.model_busy": message(
        "The rack runs {running} and works: {model} is loaded once nothing runs any more."
    ),
    "gateway.model_not_found": message("There is no model {model} here. There are: {models}."),
    "gateway.model_not_loaded": message(
        "The rack runs {running}. Another model is loaded where serve was given --load-models."
    ),
    "gateway.picture_elsewhere": message(
        "Pictures come in `data:` addresses with base64: nothing is fetched from elsewhere."
    ),
    "gateway.picture_not_base64": message("The picture is no base64: {reason}."),
    "gateway.needs_logprobs": message("top_logprobs needs logprobs."),
    "gateway.needs_key": message("Other computers reach {host}, and there is no key yet."),
    "gateway.not_listening": message("{host}:{port} cannot be listened on: {reason}."),
    "gateway.not_an_object": message("The body is JSON, but no object."),
    "gateway.not_found": message("There is nothing at this address."),
    "gateway.not_json": message("The body is not JSON: {reason}."),
    "gateway.not_json_type": message("The body has to be sent as application/json."),
    "gateway.large_bodies_full": message("Too many large requests are under way: try again later."),
    "gateway.queue_full": message("Too many requests are waiting: try again later."),
    "gateway.rack_closed": message("The rack was closed before the answer was there."),
    "gateway.rack_not_ready": message("The rack is not ready yet: it is {phase}."),
    "gateway.rate_limit_exceeded": message("The key has used up what it may ask for in a minute."),
    "gateway.read_too_late": message("The answer was read too late: a part of it is gone."),
    "gateway.receipt_not_found": message("No answer {identifier} is on the ledger."),
    "gateway.too_deep": message("The body is nested more than {deepest} levels deep."),
    "gateway.too_many_answers": message("At most {most} answers are written to one request."),
    "gateway.unknown_tool": message("tool_choice: no tool is called {name}."),
    "gateway.unknown_parameter": message("{name} is no parameter that is known here."),
    "gateway.unsupported_parameter": message("{name} cannot be done by this rack yet."),
    "gateway.wrong_host": message(
        "This address answers only to requests that name this computer, as localhost or 127.0.0.1."
    ),
    "gateway.wrong_method": message("This address takes another method."),
}

ADVICE: Final[Mapping[str, Message]] = {
    "gateway.key_taken": message("Choose another name."),
    "gateway.needs_key": message("Make one with shardloom keys add NAME."),
}
TOOLS_OFFERED: Final = (
    "You can call these functions. To call one, answer with nothing but a JSON object"
    ' {"name": its name, "arguments": its arguments}.'
)
"""Said to a model before the functions' descriptions, a line of JSON each; in English, which models
know best."""
