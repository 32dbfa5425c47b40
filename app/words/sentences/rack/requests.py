"""What `app.rack` says of requests: what cannot be asked, how one goes on, how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural, plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "certainty.audited": message("settled, {audited} of {stages} stages audited"),
    "certainty.checked": message(
        "verified: this computer checked every token, in {time:seconds}"
        " ({share:.0%} of what the text took)"
    ),
    "check.ended": message("Checking the text took too long, or nobody waits for it any more."),
    "certainty.verified": message("verified"),
    "dispute.goes_on_without_both": message(
        "{receiver} cannot use what {sender} sent it ({reason}): the request goes on without both."
    ),
    "dispute.not_the_first": message(
        "{receiver} cannot use what {sender} sent it ({reason}), and this is not the first time."
    ),
    "dispute.one_is_wrong": message(
        "{receiver} cannot use what {sender} sent it ({reason}): one of the two is wrong."
    ),
    "dispute.signed_otherwise": message(
        "{sender} and {receiver} signed for different things that passed between them; nobody can"
        " tell which of the two is wrong, or whether their link is: neither is blamed, and nothing"
        " goes that way any more."
    ),
    "dispute.stands_by": message(
        "{phone} stands by: three different neighbours had trouble with it."
    ),
    "request.fed_by_host": message(
        "A phone of the ring changed how far the ring may go on by itself; nobody can tell which:"
        " nobody is blamed, and this computer feeds each token from here on."
    ),
    "loss.goes_on": message(
        "Steps are lost again and again at {phones:and}: the request goes on without."
    ),
    "loss.not_the_first": message(
        "Steps are lost again and again at {phones:and}, and this is not the first time."
    ),
    "loss.set_aside": message(
        "Steps are lost again and again at {phones:and}; which phone is wrong is not known."
    ),
    "model.cannot": message("{model} {ability}: it cannot {task}."),
    "model.no_chat_template": message("{model} has no chat template."),
    "model.no_such_language": message("{model} knows no language by the name {language}."),
    "model.no_tokenizer": message("{model} has no tokenizer."),
    "placement.no_phone_alone": message("No single phone can hold the model."),
    "request.answer_paid": message("Answer paid for: {certainty}."),
    "request.answer_wrong": message("The answer was wrong and is computed again."),
    "request.astray": message("{lost}."),
    "request.beyond_context": message(
        "{prompt} prompt tokens and {wanted} wanted exceed the context of {context}."
    ),
    "request.checks_unfinished": message("Checks were not finished; the log tells why."),
    "request.checks_unfinished_because": message("Checks were not finished: {reason}"),
    "request.checked_whole": message(
        "Verified: this computer checked every token, in {time:seconds}"
        " ({share:.0%} of what the text took)."
    ),
    "request.empty_prompt": message("The prompt is empty."),
    "request.ended_as": message("The request was {state}."),
    "request.goes_on": message("{lost}: the text goes on at token {token} with the same phones."),
    "request.goes_on_without": message("The text goes on at token {token} without {phone}."),
    "request.in_vain": message(
        "{attempts} attempts in a row came no further, and no phone is known to be at fault."
    ),
    "request.no_tokens": message("At least one token must be wanted."),
    "request.nothing_said": message("Nothing was said yet."),
    "request.pauses": message(
        "{shortage} It goes on once phones suffice, or fails after {limit:seconds}."
    ),
    "request.read_without": message("The text is read again without {phone}."),
    "request.step_lost": message("A step was lost on its way"),
    "request.stopped": message("Stopped by the operator."),
    "request.text_beyond_context": message(
        "The text has {tokens} tokens, more than the context of {context}."
    ),
    "request.token_ids": message("Token ids must be from 0 to {most}."),
    "request.tokens_paid": plural(
        "{count} token paid for: {certainty}.", "{count} tokens paid for: {certainty}."
    ),
    "request.tokens_wrong": plural(
        "{count} token was wrong and is generated again.",
        "{count} tokens were wrong and are generated again.",
    ),
    "request.too_many": message("{most} requests are under way already."),
    "request.unforeseen": message("Something unforeseen ended the request: {error}."),
    "request.unknown": message("There is no request {request}, or it ended long ago."),
    "request.way": message("from {sender} to {receiver}"),
    "request.ways_broke": message("The way {ways:and} broke"),
    "request.turns_left_out": plural(
        "The {count} oldest turn was left out: the context has no room for it.",
        "The {count} oldest turns were left out: the context has no room for them.",
    ),
    "request.without_chat_template": message(
        "{model} has no chat template: it goes on with a plain text, and may not do as asked."
    ),
    "sampling.alternatives": message("At most {most} alternatives can be shown."),
    "sampling.bias": message("A bias is a number from -{most:g} to {most:g}."),
    "sampling.biased_token": message("Tokens with a bias are whole numbers from 0 to {highest}."),
    "sampling.empty_stop": message("A stop text has at least one character."),
    "sampling.min_p": message("A min-p is a number from 0 to 1."),
    "sampling.seed": message("A seed is a whole number from 0 to 2^63 - 1."),
    "sampling.stop_without_tokenizer": message("Stop texts need a model with a tokenizer."),
    "sampling.penalty": message("A penalty is a number from -{most:g} to {most:g}."),
    "sampling.repetition_penalty": message(
        "A penalty for repetition is a number from 1/{most:g} to {most:g}."
    ),
    "sampling.temperature": message("A temperature is a number from 0 to {most:g}."),
    "sampling.too_many_biases": message("At most {most} tokens can have a bias."),
    "sampling.top_k": message("A top-k is a whole number from 0 to {most}."),
    "sampling.top_p": message("A top-p is a number from 0 to 1."),
}
ADVICE: Final[Mapping[str, Message]] = {
    "model.no_chat_template": message("Give it a text to go on with instead."),
    "model.no_tokenizer": message("Give token ids."),
}
