"""Evidence that convicts, compared with the entry that names it.

Who judges evidence is given to the ledger (`FaultJudge`), as the ledger knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Callable

from app.core.audit_outcome import ProvenFault, SharpOutcome
from app.core.errors import LedgerError, ShardloomError
from app.ledger.entry import EntryKind, Fields, integer, octets, record, text
from app.ledger.evidence_store import EvidenceStore
from workers.errors import ReceiptError
from workers.identity.states import verify_states

FaultJudge = Callable[[bytes], ProvenFault]
"""Returns what evidence convicts of. Raises `ShardloomError` where it does not convince."""


def convicts_by_evidence(kind: str, fields: Fields) -> bool:
    """Tell whether an entry takes stake by evidence that is kept beside the ledger."""
    return kind == EntryKind.SHARP_TEST and fields.get("outcome") == SharpOutcome.FAILED


def require_proven(fields: Fields, evidence: EvidenceStore, judge: FaultJudge | None) -> None:
    """Raise `LedgerError` unless the evidence that an entry names convicts of what it says.

    A sharp test that takes no stake needs none.
    """
    if fields.get("outcome") != SharpOutcome.FAILED:
        return
    if judge is None:
        raise LedgerError("evidence.without_judge")
    try:
        fault = judge(evidence.get(text(fields, "evidence")))
    except ShardloomError as error:
        raise LedgerError(error.fact) from None
    said = (
        text(fields, "transaction"),
        integer(fields, "stage"),
        text(fields, "serial"),
        text(fields, "reason"),
        text(fields, "operator"),
        integer(fields, "row"),
        text(fields, "root"),
    )
    proven = (
        fault.transaction,
        fault.stage,
        fault.serial,
        fault.reason,
        fault.operator,
        fault.row,
        fault.root,
    )
    if said != proven or not _signed_alike(fields, fault):
        raise LedgerError("evidence.of_other_work", transaction=said[0], stage=said[1])


def _signed_alike(fields: Fields, fault: ProvenFault) -> bool:
    """Tell whether the entry's statement is signed with the key that the evidence is about."""
    signed = record(fields, "statement")
    data, signature = text(signed, "data").encode(), octets(signed, "signature", 64)
    try:
        verify_states(data, signature, fault.public_key)
    except ReceiptError:
        return False
    return True
