"""Checking a proof file with nothing but the public key of the ledger that it is said to be of."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from app.core.errors import BadInputError, LedgerError, reason_of
from app.ledger.entry import (
    Entry,
    EntryKind,
    Fields,
    entry_hash,
    integer,
    octets,
    records,
    text,
)
from app.ledger.merkle import leaf_hash, verify_inclusion
from app.ledger.rules.evidence import SignedReceipt
from app.models.formats.tokenizer import TextTokenizer
from app.proof.records.json_fields import json_object
from app.proof.records.request_text import RequestText, sha256_of, tokenizer_digest
from app.proof.records.work_record import WorkRecord
from app.rack.records.proof_file import PROOF_TYPE
from workers.errors import ReceiptError
from workers.identity.answer_leaf import chosen_token, is_answer_leaf
from workers.identity.checkpoint import LogCheckpoint, check_cosignature
from workers.identity.receipts import ReceiptBody, read_receipt
from workers.protocol.bounds import MAXIMUM_VOCABULARY

MOST_BYTES: Final = 512 << 20
_MOST_TOKENIZER_BYTES: Final = 256 << 20
_MISFITS: Final = (
    ReceiptError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""What comes of fields that are not what belongs there and that nobody names."""


@dataclass(frozen=True)
class ProofReport:
    """What a proof that holds shows."""

    request: str
    text: str
    """What was asked, a chat's marks included; empty where tokens were given."""
    prompt_tokens: int
    text_became_tokens: bool
    """Whether the file has the model's tokenizer and the text becomes the tokens by it."""
    answer: str
    """What was answered, where the file has the tokenizer and it is a text."""
    answer_tokens: tuple[int, ...]
    phones: tuple[str, ...]
    """Who signed for it."""
    entries: int
    """How many entries the cosigned head covers."""
    witnesses: int
    audits: Mapping[str, int]
    """How many audits of these phones' work the file tells of, by outcome."""


def check_proof(data: bytes, public_key: bytes) -> ProofReport:
    """Return what a proof shows. Raises `LedgerError` or `BadInputError` where it does not hold."""
    if len(data) > MOST_BYTES:
        raise BadInputError("proof.too_large")
    fields = json_object(data)
    if text(fields, "type") != PROOF_TYPE:
        raise BadInputError("proof.of_another_form")
    try:
        return _Proof(fields, public_key).report()
    except _MISFITS as error:
        raise BadInputError("proof.broken", reason=reason_of(error)) from None


class _Proof:
    def __init__(self, fields: Fields, public_key: bytes) -> None:
        self._fields = fields
        self._key = public_key
        self._head = LogCheckpoint.read(text(fields, "note"))
        if self._head.log_key != public_key:
            raise LedgerError("proof.other_ledger")
        self._entries = [self._entry(each) for each in records(fields, "entries")]
        self._keys = self._registered()
        self._request = RequestText.read(text(fields, "request").encode())
        self._works = {
            sha256_of(content.encode()): WorkRecord.read(content.encode())
            for content in fields["works"]
        }

    def report(self) -> ProofReport:
        """Check all of it."""
        witnesses = self._witnesses()
        said, phones = self._answers()
        tokenizer = self._tokenizer()
        if tokenizer is not None and self._request.text:
            self._check_tokens(tokenizer)
        tokens = tuple(
            chosen_token(leaf) for leaf in said if is_answer_leaf(leaf, MAXIMUM_VOCABULARY)
        )
        return ProofReport(
            self._request.request,
            self._request.text,
            len(self._request.tokens),
            tokenizer is not None and bool(self._request.text),
            tokenizer.decode(tokens) if tokenizer else "",
            tokens,
            phones,
            self._head.size,
            witnesses,
            self._audits(),
        )

    def _entry(self, fields: Fields) -> Entry:
        """Return an entry once its place under the head is proven."""
        columns = (
            integer(fields, "sequence"),
            integer(fields, "wall_ms"),
            text(fields, "kind"),
            text(fields, "body"),
        )
        previous = octets(fields, "previous_hash", 32)
        digest = entry_hash(previous, *columns)
        path = [bytes.fromhex(each) for each in fields["proof"]]
        index, head = columns[0] - 1, self._head
        if not verify_inclusion(leaf_hash(digest), index, head.size, path, head.root):
            raise LedgerError("proof.entry_not_covered", entry=columns[0])
        return Entry(*columns, previous, digest)

    def _registered(self) -> dict[str, set[bytes]]:
        """Return the keys that the journal has of each phone."""
        keys: dict[str, set[bytes]] = {}
        for entry in self._entries:
            if entry.kind in (EntryKind.PHONE_REGISTERED, EntryKind.PHONE_CHANGED):
                known = keys.setdefault(entry.fields()["serial"], set())
                known.add(octets(entry.fields(), "public_key", 32))
        return keys

    def _witnesses(self) -> int:
        lines = {
            text(each, "serial"): text(each, "line") for each in records(self._fields, "lines")
        }
        for serial, line in lines.items():
            if not any(self._cosigned(line, key) for key in self._keys.get(serial, ())):
                raise LedgerError("proof.not_cosigned_by", phone=serial)
        if not lines or len(lines) != len(records(self._fields, "lines")):
            raise LedgerError("ledger.cosigned_by_nobody")
        return len(lines)

    def _cosigned(self, line: str, key: bytes) -> bool:
        try:
            check_cosignature(self._head, line, key)
        except ReceiptError:
            return False
        return True

    def _answers(self) -> tuple[list[Any], tuple[str, ...]]:
        """Return what was answered and settled, in order, and whose work it was."""
        said: list[Any] = []
        phones: dict[str, None] = {}
        for entry in self._entries:
            if entry.kind != EntryKind.SETTLED:
                continue
            settled = entry.fields()
            work = self._works.get(str(settled.get("work")))
            if work is None or work.transaction != settled["transaction"]:
                raise LedgerError("proof.without_record", transaction=settled["transaction"])
            before = [chosen_token(leaf) for leaf in said]
            self._check_text(work, (*self._request.tokens, *before))
            bodies = self._receipts(work.transaction)
            _check_ends(work, bodies)
            phones |= dict.fromkeys(body.serial for body in bodies)
            said += work.answers[: settled["tokens"]]
        if not said:
            raise LedgerError("proof.of_no_answer")
        return said, tuple(phones)

    def _check_text(self, work: WorkRecord, known: Sequence[int]) -> None:
        """Raise `LedgerError` unless it read what is known so far and then what came of it."""
        work.check_order()
        self._check_pictures(work)
        read = work.tokens
        came = [
            chosen_token(leaf) for leaf in work.answers if leaf.ndim == 2 and leaf.shape[1] == 2
        ]
        following = (*known, *came)
        if len(read) < len(known) or read != following[: len(read)]:
            raise LedgerError("proof.other_text", transaction=work.transaction)

    def _check_pictures(self, work: WorkRecord) -> None:
        """Raise `LedgerError` unless it read the pixels that the request names, where it names."""
        named = {
            square.position: square.root
            for picture in self._request.pictures
            for square in picture.squares
        }
        end = max((step.position for step in work.steps), default=-1)
        wanted = {at: root for at, root in named.items() if at <= end}
        if {step.position: step.input_root for step in work.steps if step.leaves} != wanted:
            raise LedgerError("proof.other_pictures", transaction=work.transaction)

    def _receipts(self, transaction: str) -> list[ReceiptBody]:
        """Return what the phones signed for a transaction, in ring order."""
        mine = [each for each in self._entries if each.fields().get("transaction") == transaction]
        opened = next(each for each in mine if each.kind == EntryKind.TRANSACTION_OPENED)
        bodies: dict[int, ReceiptBody] = {}
        for entry in mine:
            if entry.kind == EntryKind.RECEIPT:
                signed = SignedReceipt.from_fields(entry.fields())
                signed.verified()
                body = read_receipt(signed.data)
                self._check_receipt(body, signed.public_key, opened)
                bodies[body.stage] = body
        stages = opened.fields()["stages"]
        if sorted(bodies) != list(range(len(stages))):
            raise LedgerError("proof.receipt_missing", transaction=transaction)
        return [bodies[stage] for stage in range(len(stages))]

    def _check_receipt(self, body: ReceiptBody, key: bytes, opened: Entry) -> None:
        terms, fields = body.terms, opened.fields()
        stage = fields["stages"][body.stage]
        holds = (
            key in self._keys.get(body.serial, set())
            and body.transaction == fields["transaction"]
            and (body.serial, body.shard) == (stage["serial"], stage["shard"])
            and terms.host_key == self._key.hex()
            and (terms.entry, terms.head) == (opened.sequence, opened.entry_hash.hex())
            and terms.request == fields["request_digest"] == self._request.digest
            and terms.model == sha256_of(text(self._fields, "model").encode())
        )
        if not holds:
            raise LedgerError("proof.receipt_of_other_work", phone=body.serial)

    def _tokenizer(self) -> TextTokenizer | None:
        """Return the model's tokenizer, None where the file is without."""
        packed, model = text(self._fields, "tokenizer"), text(self._fields, "model").encode()
        if not packed:
            return None
        try:
            unpacker = zlib.decompressobj()
            content = unpacker.decompress(
                base64.b64decode(packed, validate=True), _MOST_TOKENIZER_BYTES
            )
        except (binascii.Error, ValueError, zlib.error):
            raise BadInputError("proof.odd_field", field="tokenizer") from None
        if sha256_of(content) != tokenizer_digest(model):
            raise LedgerError("proof.other_tokenizer")
        return TextTokenizer.from_content(content, Path("tokenizer.json"))

    def _check_tokens(self, tokenizer: TextTokenizer) -> None:
        """Raise `LedgerError` unless the text becomes the tokens, padding at its end left out."""
        asked = self._request
        encode = tokenizer.encode_rendered if asked.rendered else tokenizer.encode
        encoded = tuple(encode(asked.text))
        if not asked.tokens or encoded[: len(asked.tokens)] != asked.tokens:
            raise LedgerError("proof.other_tokens")
        if len(set(encoded[len(asked.tokens) :])) > 1:
            raise LedgerError("proof.other_tokens")

    def _audits(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for entry in self._entries:
            if entry.kind in (EntryKind.AUDIT, EntryKind.AUDIT_NOT_DONE):
                outcome = str(entry.fields().get("outcome"))
                found[outcome] = found.get(outcome, 0) + 1
        return found


def _check_ends(work: WorkRecord, bodies: Sequence[ReceiptBody]) -> None:
    """Raise `LedgerError` unless the first signed for the tokens read, the last for the answers.

    Between them each must have received what the one before it sent.
    """
    first, last = bodies[0], bodies[-1]
    answered = work.output_root(last.steps)
    if work.input_root(first.steps) != first.input_root or answered != last.output_root:
        raise LedgerError("proof.signed_for_other", transaction=work.transaction)
    for sender, receiver in pairwise(bodies):
        if sender.steps == receiver.steps and sender.output_root != receiver.input_root:
            raise LedgerError("proof.edge_differs", transaction=work.transaction)
