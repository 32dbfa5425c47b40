"""One journal entry: canonical body, chained to the entry before it by hash.

A journal comes from outside: what a body holds is read with its type checked, field by field.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from app.core.errors import LedgerError
from app.core.facts import FieldValue
from app.core.reading import json_fields
from app.core.reading.json_fields import LARGEST_WHOLE, FieldReader, JsonKind
from workers.identity.canonical import (
    is_canonical,
    plain_text,
    read_json,
)

FORMAT_VERSION: Final = 7
"""What new entries are written in; all formats from 1 on are read."""

ENTRY_TAG: Final = b"poip/v1/entry\0"
FIRST_PREVIOUS_HASH: Final = bytes(32)
_MOST_DIGITS: Final = 30
"""Of an amount: far more than there is, and few enough to reckon with."""
Fields = json_fields.Fields
_MISFITS: Final[Mapping[JsonKind, str]] = {
    JsonKind.TEXT: "entry.field_not_text",
    JsonKind.TEXTS: "entry.field_not_texts",
    JsonKind.TRUTH: "entry.field_not_truth",
    JsonKind.WHOLE: "entry.field_not_whole",
    JsonKind.HEXADECIMAL: "entry.field_not_hexadecimal",
    JsonKind.OTHER_LENGTH: "entry.field_of_other_length",
    JsonKind.RECORD: "entry.field_not_record",
    JsonKind.RECORDS: "entry.field_not_records",
}


class EntryKind:
    """What an entry records."""

    GENESIS: Final = "genesis"
    FORMAT_RAISED: Final = "format-raised"
    PHONE_REGISTERED: Final = "phone-registered"
    PHONE_CHANGED: Final = "phone-changed"
    KEY_WITHDRAWN: Final = "key-withdrawn"
    EXAMINED: Final = "examined"
    STAKE_ADDED: Final = "stake-added"
    TRANSACTION_OPENED: Final = "transaction-opened"
    RECEIPT: Final = "receipt"
    EQUIVOCATION: Final = "equivocation"
    NUMBER_REUSED: Final = "number-reused"
    RECEIPT_WITHHELD: Final = "receipt-withheld"
    AUDIT: Final = "audit"
    AUDIT_NOT_DONE: Final = "audit-not-done"
    VERIFIER_CHECKED: Final = "verifier-checked"
    SHARP_TEST: Final = "sharp-test"
    CANARY: Final = "canary"
    CLASS_CONFIRMED: Final = "class-confirmed"
    CLASS_READ: Final = "class-read"
    WAY_DISTRUSTED: Final = "way-distrusted"
    WAYS_TRUSTED: Final = "ways-trusted"
    SLASHED: Final = "slashed"
    JAILED: Final = "jailed"
    RELEASED: Final = "released"
    ROLLED_BACK: Final = "rolled-back"
    SETTLED: Final = "settled"
    EPOCH_OPENED: Final = "epoch-opened"
    EPOCH_CLOSED: Final = "epoch-closed"
    COSIGNED: Final = "cosigned"
    WRITER_ADMITTED: Final = "writer-admitted"
    WRITER_CHANGED: Final = "writer-changed"
    COMMITTED: Final = "committed"
    VOIDED: Final = "void"
    PAYMENTS_RELEASED: Final = "payments-released"
    KEEPER_NAMED: Final = "keeper-named"
    EARNINGS_STAKED: Final = "earnings-staked"
    UNBONDING_BEGUN: Final = "unbonding-begun"
    UNBONDING_ENDED: Final = "unbonding-ended"
    QUOTED: Final = "quoted"
    PROPOSED: Final = "proposed"
    VOTED: Final = "voted"
    PROPOSAL_CLOSED: Final = "proposal-closed"
    PROPOSAL_EXECUTED: Final = "proposal-executed"
    GRANT_PAID: Final = "grant-paid"
    STOPPED: Final = "stopped"
    RESUMED: Final = "resumed"
    EVIDENCE_RULE: Final = "evidence-rule"
    EVIDENCE_LET_GO: Final = "evidence-let-go"


@dataclass(frozen=True)
class Entry:
    """An entry as stored. `body` is canonical JSON (RFC 8785); amounts in it are strings."""

    sequence: int
    wall_ms: int
    kind: str
    body: str
    previous_hash: bytes
    entry_hash: bytes

    def fields(self) -> Mapping[str, Any]:
        """Return the body, parsed once. Raises `LedgerError` where it is not a JSON object."""
        return self._parsed[0]

    def check_canonical(self) -> None:
        """Raise `LedgerError` unless the body is canonical: one that was read may be anything."""
        fields, plain = self._parsed
        try:
            canonical = is_canonical(self.body, fields, plain=plain)
        except (ValueError, RecursionError) as error:
            raise self._no_json(error) from None
        if not canonical:
            raise LedgerError("entry.not_canonical", entry=self.sequence)

    @cached_property
    def _parsed(self) -> tuple[Mapping[str, Any], bool]:
        """The fields, and whether their numbers are all exact integers."""
        try:
            fields, plain = read_json(self.body)
        except (ValueError, RecursionError) as error:
            raise self._no_json(error) from None
        if not isinstance(fields, dict):
            raise LedgerError("entry.not_object", entry=self.sequence)
        return fields, plain

    def _no_json(self, error: ValueError | RecursionError) -> LedgerError:
        return LedgerError("entry.not_json", entry=self.sequence, reason=str(error))


def make_entry(previous: Entry | None, wall_ms: int, kind: str, fields: Mapping[str, Any]) -> Entry:
    """Return the entry that follows `previous` (None for the first).

    `wall_ms` are milliseconds since 1970 UTC. Raises `LedgerError` for fields that are not JSON.
    """
    sequence = previous.sequence + 1 if previous else 1
    previous_hash = previous.entry_hash if previous else FIRST_PREVIOUS_HASH
    exact = _exact(fields)
    body = _canonical(exact)
    digest = entry_hash(previous_hash, sequence, wall_ms, kind, body)
    entry = Entry(sequence, wall_ms, kind, body, previous_hash, digest)
    vars(entry)["_parsed"] = exact, True  # what reading the body would give
    return entry


def entry_hash(previous_hash: bytes, sequence: int, wall_ms: int, kind: str, body: str) -> bytes:
    """Return the 32-byte SHA-256 over the domain tag and every column.

    Numbers are 8 bytes, big-endian; texts come after their length in UTF-8.
    """
    digest = hashlib.sha256(ENTRY_TAG + previous_hash)
    digest.update(sequence.to_bytes(8, "big") + wall_ms.to_bytes(8, "big"))
    for text in (kind.encode(), body.encode()):
        digest.update(len(text).to_bytes(8, "big") + text)
    return digest.digest()


def canonical_json(value: object) -> str:
    """Return RFC 8785 text; floats and integers that JSON would round become strings.

    Raises `LedgerError` for what is not JSON.
    """
    return _canonical(_exact(value))


def _canonical(exact: object) -> str:
    try:
        return plain_text(exact)
    except ValueError as error:
        raise LedgerError("journal.cannot_hold", reason=str(error)) from None


def _exact(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return JSON of plain texts, lists, maps and exact integers: as it is read back."""
    if type(value) is str or value is None:
        return value
    match value:
        case str():
            return str.__str__(value)
        case bool():
            return value
        case int():
            return int(value) if abs(value) <= LARGEST_WHOLE else str(int(value))
        case float():
            return repr(value)
        case Mapping():
            return {str(key): _exact(item) for key, item in value.items()}
        case list() | tuple():
            return [_exact(item) for item in value]
        case _:
            raise LedgerError("journal.cannot_hold_type", type=type(value).__name__)


def _misfit(wanted: JsonKind, /, **told: FieldValue) -> LedgerError:
    return LedgerError(_MISFITS[wanted], **told)


_READER: Final = FieldReader(_misfit)
text = _READER.text
"""Like all that read a field, raises `LedgerError` for one that is not what belongs there."""
texts = _READER.texts
integer = _READER.whole_number
flag = _READER.flag
octets = _READER.octets
record = _READER.record
records = _READER.records


def amount(fields: Fields, name: str) -> int:
    """Return an amount in micro-credits: decimal digits in a string."""
    value = fields.get(name)
    if not isinstance(value, str) or not (value.isascii() and value.isdecimal()):
        raise LedgerError("entry.field_not_amount", field=name)
    if len(value) > _MOST_DIGITS:
        raise LedgerError("entry.field_not_amount", field=name)
    return int(value)


def number(fields: Fields, name: str) -> float:
    """Return a finite number of whatever size; the journal holds its digits as text."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise LedgerError("entry.field_not_number", field=name)
    try:
        found = float(value)
    except (ValueError, OverflowError):
        raise LedgerError("entry.field_not_number", field=name) from None
    if not math.isfinite(found):
        raise LedgerError("entry.field_not_number", field=name)
    return found


def share_of_one(fields: Fields, name: str) -> float:
    """Return a number from 0 to 1; the journal holds its digits as text."""
    try:
        value = float(text(fields, name))
    except ValueError:
        raise LedgerError("entry.field_not_number", field=name) from None
    if not 0 <= value <= 1:
        raise LedgerError("entry.field_not_share", field=name)
    return value


def evidence_fields(content: bytes, kind: str, most_bytes: int) -> Fields | None:
    """Return what evidence of one kind holds; None for any other, and for what is too large."""
    if len(content) > most_bytes:
        return None
    try:
        fields: Any = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) and fields.get("type") == kind else None
