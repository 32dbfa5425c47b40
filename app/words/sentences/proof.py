"""What `app.proof` says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural, plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "audit.honesty_does_not_pay": message(
        "No audit rate makes honesty pay: raise the slash or find better tests."
    ),
    "audit.not_run": message(
        "The audit of stage {stage} of {transaction} could not be run: {reason}."
    ),
    "auditors.not_installed": message(
        "Auditors on a cluster need dask.distributed: install the extra `auditors`."
    ),
    "auditors.no_address": message(
        "{address} is no scheduler's address: it looks like tcp://HOST:PORT."
    ),
    "auditors.without_tls": message(
        "{address} is another computer: verdicts come from there under TLS only (--auditors-tls)."
    ),
    "auditors.no_certificates": message("{path} lacks certificates: {names}."),
    "audit.rate": message("An audit rate is a number from 0 to 1."),
    "evidence.broken": message("The evidence is damaged: {reason}."),
    "evidence.class_unknown": message(
        "The evidence does not convince: how the processor of {phone} rounds is not reproduced."
    ),
    "evidence.convicts_end": message(
        "{phone} signed for an output where its own work, run again, does not end: row {row} is"
        " off by {times:.3g} times what is allowed. It signed both in {transaction} with the key"
        " {key}."
    ),
    "evidence.convicts_claim": message(
        "{phone}, whose key is {key}, stands by more than it did by its own word, in the "
        "transactions {works}."
    ),
    "evidence.convicts_number": message(
        "{phone} signed two different receipts of number {number}, one in {transaction} and one in"
        " {other}, with the key {key}."
    ),
    "evidence.convicts_operator": message(
        "{phone} was wrong at {operator} in row {row}: off by {times:.3g} times what rounding"
        " allows. It signed for that in {transaction} with the key {key}."
    ),
    "evidence.convicts_token": message(
        "{phone} told another token than the one to choose at the end of step {row}, by the logits"
        " and all else that it signed for: off by {times:.3g} times what is allowed. It signed for"
        " that in {transaction} with the key {key}."
    ),
    "evidence.cut": message("The evidence was cut short or damaged."),
    "evidence.none": message("The file is no evidence of wrong work."),
    "evidence.not_covered": message(
        "The evidence does not convince: {operator} cannot be recomputed."
    ),
    "evidence.not_signed_for": message(
        "The evidence does not convince: what it shows is not what {phone} signed for."
    ),
    "evidence.other_key": message(
        "The evidence is about neither the ledger nor the phone of that key."
    ),
    "evidence.unreadable": message("The evidence {path} cannot be read: {reason}."),
    "evidence.within_bounds": message(
        "The evidence does not convince: what it shows of {phone} is off by {share:.0%} of what is"
        " allowed."
    ),
    "evidence.of_a_test": message(
        "The file is what a test left that convicted nobody: judging it takes the model's files."
    ),
    "evidence.of_another_form": message(
        "The evidence is of another version's form, which this version does not judge."
    ),
    "evidence.other_graph": message("The evidence holds another graph than the phone signed for."),
    "evidence.other_model": message("The evidence names another model than the phone signed for."),
    "evidence.other_shard": message("The evidence names other weights than the phone signed for."),
    "evidence.other_weights": message(
        "Weights in the evidence do not lead to the root of file {file} that was signed for."
    ),
    "evidence.too_large": message("The file is too large for evidence."),
    "proof.broken": message("The proof is damaged: {reason}."),
    "proof.edge_differs": message(
        "Two phones signed for different things that passed between them in {transaction}."
    ),
    "proof.entry_not_covered": message("Entry {entry} does not lie under the proof's head."),
    "proof.holds": plural(
        "The prompt of {request} became {tokens} tokens; {phones} signed for them and for the"
        " {answers} that followed, under a head over {entries} entries that {count} phone"
        " cosigned.",
        "The prompt of {request} became {tokens} tokens; {phones} signed for them and for the"
        " {answers} that followed, under a head over {entries} entries that {count} phones"
        " cosigned.",
    ),
    "proof.holds_for_tokens": plural(
        "For {request}, given as {tokens} tokens, {phones} signed for them and for the {answers}"
        " that followed, under a head over {entries} entries that {count} phone cosigned.",
        "For {request}, given as {tokens} tokens, {phones} signed for them and for the {answers}"
        " that followed, under a head over {entries} entries that {count} phones cosigned.",
    ),
    "proof.no_json": message("The file is no proof: it is not a JSON object."),
    "proof.other_receipt": message("The evidence is not about what its receipt is for."),
    "proof.signature_refused": message("A signature in the evidence does not hold: {reason}."),
    "proof.not_canonical": message("A record in the proof is not in its canonical form."),
    "proof.not_cosigned": message("No phone has signed a head over entry {entry} yet."),
    "proof.not_cosigned_by": message("The head is not cosigned with a key of phone {phone}."),
    "proof.odd_field": message("The field '{field}' of the proof is not what belongs there."),
    "proof.of_another_form": message("The file is no proof of this version's form."),
    "proof.of_no_answer": message("The proof shows no answer that was settled."),
    "proof.other_ledger": message("The proof is of another ledger than that key's."),
    "proof.other_pictures": message(
        "The pictures that were read in {transaction} are not those of the request."
    ),
    "proof.other_text": message("What was read in {transaction} is not the prompt and its answer."),
    "proof.other_tokenizer": message("The tokenizer in the proof is not the model's."),
    "proof.other_tokens": message("The text does not become the tokens by the model's tokenizer."),
    "proof.receipt_missing": message("Not every phone's receipt of {transaction} is in the proof."),
    "proof.receipt_of_other_work": message("The receipt of phone {phone} is about other work."),
    "proof.signed_for_other": message(
        "The phones of {transaction} signed for other tokens than the proof tells."
    ),
    "proof.steps_out_of_order": message("The steps of {transaction} are not in order."),
    "proof.too_large": message("The file is too large for a proof."),
    "proof.unknown_request": message("The ledger has nothing that was settled for {request}."),
    "proof.unreadable": message("The proof {path} cannot be read: {reason}."),
    "proof.unwritten": message("The proof {path} cannot be written: {reason}."),
    "proof.without_record": message("The proof lacks what was read and answered in {transaction}."),
    "proof.written": message("{path}: {size:bytes}"),
    "audit.text_unchecked": message("The text could not be checked again: {reason}."),
}
ADVICE: Final[Mapping[str, Message]] = {}
