"""`shardloom ledger verify --evidence FILE`: whether a file convicts a phone."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.command_line.failures import complain
from app.command_line.output.terminal import print_fact, print_json
from app.core.audit_outcome import SharpOutcome
from app.core.errors import BadInputError, LedgerError, reason_of
from app.core.facts import Fact
from app.core.identifiers import is_sha256
from app.ledger.journal.keys import parse_public_key
from app.ledger.rules.phones.canaries import FALSE_CAPABILITY, FalseCapability
from app.ledger.rules.phones.reused_numbers import ReusedNumber
from app.proof.convicting.facts import fact_of
from app.proof.convicting.judging import MOST_BYTES, convicts
from app.proof.records.request_text import sha256_of
from app.proof.sharp.convincing import Judgement
from app.words.sentences import fact_text


def execute(arguments: argparse.Namespace) -> int:
    """Say who was wrong, or why the file does not convince; the exit status is 1 then.

    Nothing but the file is read. With `--key` it must be about that ledger, or that phone.
    Raises `ShardloomError` with one line where the file is none such, or was changed.
    """
    content = _content(arguments.evidence)
    if (pair := ReusedNumber.read(content)) is not None:
        return _tell_of_number(pair, arguments)
    if (claims := FalseCapability.read(content)) is not None:
        return _tell_of_claims(claims, arguments)
    judgement = convicts(content)
    if arguments.key:
        receipt = judgement.receipt
        _check_key(arguments.key, judgement.public_key, receipt.terms.host_key)
    fact = fact_of(judgement)
    convinces = judgement.outcome is SharpOutcome.FAILED
    if arguments.json:
        print_json({**_report(judgement), "convinces": convinces, "told": fact_text(fact)})
    elif convinces:
        print_fact(fact)
    if convinces:
        return 0
    complain(fact_text(fact))
    return 1


def _tell_of_number(pair: ReusedNumber, arguments: argparse.Namespace) -> int:
    """Say who gave one number to two receipts. Raises `ShardloomError` where nobody did."""
    first, second = pair.proven(), pair.bodies()[1]
    key = pair.first.public_key
    if arguments.key:
        _check_key(arguments.key, key, first.terms.host_key, second.terms.host_key)
    named: dict[str, str | int] = {
        "phone": first.serial,
        "number": first.sequence,
        "transaction": first.transaction,
        "other": second.transaction,
    }
    fact = Fact("evidence.convicts_number", key=key.hex(), **named)
    if arguments.json:
        keys = {"public_key": key.hex(), "ledger_key": first.terms.host_key}
        told = {"reason": "number-reused", "convinces": True, "told": fact_text(fact)}
        print_json({**named, **keys, **told})
    else:
        print_fact(fact)
    return 0


def _tell_of_claims(claims: FalseCapability, arguments: argparse.Namespace) -> int:
    """Say who stood by more than it did. Raises `ShardloomError` where nobody did."""
    told, key = claims.proven(), claims.statements[0].public_key
    if arguments.key:
        _check_key(arguments.key, key, told[0].host_key)
    works = tuple(each.transaction for each in told)
    fact = Fact("evidence.convicts_claim", phone=told[0].serial, key=key.hex(), works=works)
    if arguments.json:
        named = {"phone": told[0].serial, "transactions": list(works)}
        keys = {"public_key": key.hex(), "ledger_key": told[0].host_key}
        said = {"reason": FALSE_CAPABILITY, "convinces": True, "told": fact_text(fact)}
        print_json({**named, **keys, **said})
    else:
        print_fact(fact)
    return 0


def _content(path: Path) -> bytes:
    """Return the file's bytes. One that is named by its hash must have it."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadInputError("evidence.too_large")
        data = path.read_bytes()
    except OSError as error:
        raise BadInputError(
            "evidence.unreadable", path=str(path), reason=reason_of(error)
        ) from None
    if is_sha256(path.name) and sha256_of(data) != path.name:
        raise LedgerError("evidence.changed", name=path.name)
    return data


def _check_key(wanted: str, phone: bytes, *ledgers: str) -> None:
    if parse_public_key(wanted) not in (phone, *map(bytes.fromhex, ledgers)):
        raise BadInputError("evidence.other_key")


def _report(judgement: Judgement) -> dict[str, object]:
    receipt, verdict = judgement.receipt, judgement.verdict
    return {
        "phone": receipt.serial,
        "public_key": judgement.public_key.hex(),
        "ledger_key": receipt.terms.host_key,
        "transaction": receipt.transaction,
        "stage": receipt.stage,
        "numerical_class": receipt.numerical_class,
        "reason": verdict.reason.value,
        "operator": verdict.operator,
        "row": verdict.row,
        "deviation": min(verdict.deviation, 1e300),
    }
