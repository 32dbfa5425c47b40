"""A file that convinces one user: what was asked, what was answered, who signed for it.

One JSON object: the records by their content, the journal's entries about the request and about
the phones that signed, each with its RFC 6962 proof, and the first head over them that phones
cosigned.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from app.core.errors import LedgerError
from app.core.identifiers import RequestId
from app.ledger.entry import Entry, EntryKind
from app.ledger.evidence_store import EvidenceStore
from app.ledger.merkle import inclusion_proof, leaf_hash
from app.ledger.storage.addresses import evidence_folder
from app.ledger.storage.places import open_storage_read_only
from app.models.store import BlobStore
from app.proof.records.request_text import tokenizer_digest
from app.rack.home import Home
from workers.identity.checkpoint import LogCheckpoint

PROOF_TYPE: Final = "poip/v3/proof"
UNKNOWN_REQUEST: Final = "proof.unknown_request"
_ABOUT_PHONES: Final = frozenset({EntryKind.PHONE_REGISTERED, EntryKind.PHONE_CHANGED})


def make_proof(home: Home, blobs: BlobStore, request: RequestId) -> dict[str, Any]:
    """Return the proof of a request, JSON-ready. Blocking.

    Raises `LedgerError` where the journal knows no such request, no phone signed a head over it
    yet, or what it read is kept no longer.
    """
    store = open_storage_read_only(home.ledger_place)
    try:
        with store.consistent_read():
            entries = list(store.entries())
    finally:
        store.close()
    mine = [entry for entry in entries if _transaction(entry).rpartition("-")[0] == request]
    if not any(entry.kind == EntryKind.SETTLED for entry in mine):
        raise LedgerError(UNKNOWN_REQUEST, request=request)
    head = _head_over(entries, mine[-1])
    evidence = EvidenceStore(evidence_folder(home.ledger_place))
    opened = next(entry.fields() for entry in mine if entry.kind == EntryKind.TRANSACTION_OPENED)
    model = evidence.get(str(opened.get("model_digest")))
    works = [entry.fields().get("work") for entry in mine if entry.kind == EntryKind.SETTLED]
    serials = {row["serial"] for row in (*opened["stages"], *head.fields()["lines"])}
    phones = [
        entry
        for entry in entries[: _head_of(head).size]
        if entry.kind in _ABOUT_PHONES and entry.fields()["serial"] in serials
    ]
    return {
        "type": PROOF_TYPE,
        "request": evidence.get(str(opened.get("request_digest"))).decode(),
        "model": model.decode(),
        "tokenizer": _tokenizer(model, blobs),
        "works": [evidence.get(str(work)).decode() for work in works],
        "entries": _with_proofs(entries, sorted((*mine, *phones), key=_sequence), head),
        "note": head.fields()["note"],
        "lines": head.fields()["lines"],
    }


def _sequence(entry: Entry) -> int:
    return entry.sequence


def _transaction(entry: Entry) -> str:
    return str(entry.fields().get("transaction", ""))


def _head_over(entries: Sequence[Entry], newest: Entry) -> Entry:
    for entry in entries[newest.sequence :]:
        if entry.kind == EntryKind.COSIGNED and _head_of(entry).size >= newest.sequence:
            return entry
    raise LedgerError("proof.not_cosigned", entry=newest.sequence)


def _head_of(cosigned: Entry) -> LogCheckpoint:
    return LogCheckpoint.read(cosigned.fields()["note"])


def _with_proofs(
    entries: Sequence[Entry], chosen: Sequence[Entry], head: Entry
) -> list[dict[str, Any]]:
    size = _head_of(head).size
    leaves = [leaf_hash(entry.entry_hash) for entry in entries[:size]]
    return [
        {
            "sequence": entry.sequence,
            "wall_ms": entry.wall_ms,
            "kind": entry.kind,
            "body": entry.body,
            "previous_hash": entry.previous_hash.hex(),
            "proof": [each.hex() for each in inclusion_proof(leaves, entry.sequence - 1)],
        }
        for entry in chosen
    ]


def _tokenizer(model: bytes, blobs: BlobStore) -> str:
    """Return the model's tokenizer, packed; nothing where it has none or is kept no longer."""
    digest = tokenizer_digest(model)
    with suppress(OSError):
        if digest:
            packed = zlib.compress(blobs.path(digest).read_bytes(), 9)
            return base64.b64encode(packed).decode()
    return ""
