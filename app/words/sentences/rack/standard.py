"""What the rack says of phones and the Inference Engine Standard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "rule.another_identity": message("another key or numerical class than it is registered with"),
    "rule.another_step": message("an answer to another step than was sent"),
    "rule.audit": message("done again here it comes out otherwise: {reason}"),
    "rule.no_answer": message("no answer within {limit:seconds}"),
    "rule.no_figures": message("a token without what is told beside it"),
    "rule.not_steered": message("the token was chosen as if nothing had been told"),
    "rule.other_cache": message("a cache of {found:bytes} where {wanted:bytes} were to be kept"),
    "rule.other_length": message("not the {wanted:bytes} that were asked for"),
    "rule.other_products": message("products that its numerical class is not named by"),
    "rule.other_receipt": message("a receipt that says something else than what was done"),
    "rule.other_transcript": message("other inputs than it was sent"),
    "rule.receipt_unsigned": message("a receipt that is not well formed or not signed by its key"),
    "rule.rows_not_kept": message("the rows that were to be kept are not there"),
    "rule.step_refused": message("it refused a step: {code}"),
    "rule.took_bad_input": message("it took what it had to refuse"),
    "standard.broken": message("{phone} breaks rules of the standard: {rules}"),
    "standard.kept": message("{phone} keeps the standard, version {version}"),
    "standard.layers_stay": message(
        "{phone} breaks rules that its layers need, and no other plan was found: {reason}"
    ),
    "standard.rack_at_work": message("A phone is examined while nothing is written or moved."),
    "standard.phone_unknown": message("{phone} is not in this rack."),
    "standard.holds": message("holds    {rule}"),
    "standard.fails": message("broken   {rule}: {reason}"),
}
ADVICE: Final[Mapping[str, Message]] = {
    "standard.rack_at_work": message("Try again once the answer is there."),
}
