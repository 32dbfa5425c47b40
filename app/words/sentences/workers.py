"""What workers say of why they do not go on (`workers.protocol.reasons`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "file.damaged": message("file {file} is damaged: its content has another SHA-256"),
    "file.missing": message("file {file} is missing"),
    "file.odd_name": message("a file name is not a SHA-256"),
    "file.of_another_size": message("file {file} has {found} bytes instead of {wanted}"),
    "graph.of_another_span": message("the graph's inputs and outputs are not those of its span"),
    "graph.of_other_layers": message("the graph has {found} layers instead of {wanted}"),
    "graph.refers_to_unlisted": message("the graph refers to file {file}, which was not listed"),
    "graph.unloadable": message("the graph cannot be loaded: {reason}"),
    "hop.admits_us_not": message("next phone {endpoint} does not admit this one"),
    "hop.answers_otherwise": message("{endpoint} answers with something else"),
    "hop.full": message("next phone {endpoint} takes no more steps"),
    "hop.odd_endpoint": message("next phone {endpoint} is not a tcp:// endpoint"),
    "hop.only_last_goes_on": message("only the last stage goes on with the first"),
    "hop.only_last_has_none": message("the last stage, and only it, has no next phone"),
    "hop.silent": message("{endpoint} did not answer within {limit_s} s"),
    "hop.takes_nothing": message("{endpoint} takes nothing"),
    "hop.unusable": message("next phone {endpoint} cannot be connected to"),
    "memory.lacks": message(
        "no memory for {needed_mb} MB of weights and attention cache: {missing_mb} MB are missing"
    ),
    "memory.none_for_cache": message("no memory for {wanted} bytes of attention cache"),
    "numbers.beyond_float16": message("its hidden states do not fit float16"),
    "numbers.not_finite": message("the model produced numbers that are not finite"),
    "outlet.refused": message("no outlet could be opened: {reason}"),
    "rows.exceed_context": message("{tokens} tokens exceed the context of {limit}"),
    "rows.in_parts_without_cache": message("without a cache a text comes whole, in one step"),
    "rows.leave_gap": message("position {position} leaves a gap: {filled} rows are in the cache"),
    "rows.none": message("a step needs at least one row"),
    "rows.not_finite": message("rows hold numbers that are not finite"),
    "rows.not_single": message("only single rows are run together"),
    "rows.of_another_form": message("rows are {given}, not what the span takes"),
    "rows.of_different_ways": message("the rows of a step go different ways"),
    "rows.of_one_slot": message("a slot takes one row at a time"),
    "rows.out_of_turn": message("step {step} came where step {due} was due"),
    "rows.token_too_large": message("a token is not below {limit}"),
    "rows.unasked": message("the last stage goes on without being asked"),
    "rows.vector_not_alone": message("a row that asks for a vector goes alone"),
    "shard.failed": message("the shard failed: {reason}"),
    "slot.in_use": message("slot {slot} is in use"),
    "slot.without_rows": message("slot {slot} does not hold {rows} rows"),
    "slot.unknown": message("slot {slot} does not exist: there are {slots}"),
    "span.in_use": message("span {span} still has open transactions"),
    "span.loaded_already": message("span {span} is already loaded"),
    "span.not_loaded": message("span {span} is not loaded"),
    "span.too_many": message("no more than {limit} spans can be loaded"),
    "span.without_slot": message("span {span} has no slot {slot}"),
    "step.odd_header": message("a step's header is malformed"),
    "step.odd_row": message("a step's row is malformed"),
    "step.odd_tensor": message("a step's tensor does not match its shape"),
    "step.too_short": message("a step is too short"),
    "transaction.unknown_here": message("transaction {transaction} is not open"),
    "transaction.begun_already": message("transaction {transaction} is already open"),
    "transaction.sealed": message("the transaction is sealed"),
    "transaction.signed_already": message(
        "the phone signed for the transaction {transaction} before"
    ),
    "transaction.too_many": message("{limit} transactions are open already"),
    "transcript.full": message("the transcript reached its limit of {limit} bytes"),
    "transcript.without_step": message("step {step} is not in the transcript"),
    "worker.surprised": message("{kind} in the worker; see its log"),
    "receipt.too_large": message("the receipt is oversized"),
    "receipt.not_canonical": message("the receipt is not canonical JSON"),
    "receipt.no_json": message("the receipt is not JSON"),
    "receipt.other_fields": message("the receipt's fields are not those of the protocol"),
    "receipt.odd_field": message("the receipt's {reason}"),
    "signature.does_not_fit": message("the signature does not fit"),
    "public_key.of_another_size": message("a public key has 32 bytes"),
    "public_key.unsafe": message("the public key is of low order or not canonical"),
    "checkpoint.of_another_form": message(
        "the checkpoint is not one of three lines and a signature"
    ),
    "checkpoint.odd_size": message("the checkpoint's size is not a number above 0"),
    "checkpoint.not_canonical": message("the checkpoint is not in its canonical form"),
    "checkpoint.of_no_ledger": message("the checkpoint is of no ledger"),
    "note.of_another_name": message("the note is signed under another name"),
    "note.of_another_key": message("the note is signed with another key"),
    "note.no_base64": message("the note holds what is not base64"),
    "note.of_another_size": message("the note holds {found} bytes where {wanted} belong"),
    "head.damaged": message("the stored head of the ledger is damaged"),
    "head.too_many": message("heads of {limit} ledgers are kept already"),
    "identity.number_damaged": message("the stored receipt number is damaged"),
    "identity.number_taken": message("another worker on the phone signed meanwhile"),
    "identity.without_number": message(
        "the key has lost its receipt number; remove both to make a new key"
    ),
    "identity.key_damaged": message("the signing key is damaged; remove it to make a new one"),
}
ADVICE: Final[Mapping[str, Message]] = {}
