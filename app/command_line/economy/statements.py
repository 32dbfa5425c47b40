"""Signing what a keeper says, and journalling it or writing it into a file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.command_line.output.terminal import print_fact
from app.core.errors import BadInputError, LedgerError, reason_of
from app.core.facts import Fact
from app.ledger.desks.intake import MOST_FILE_BYTES
from app.ledger.journal.keys import read_key, read_public_key
from app.ledger.ledger import Ledger
from app.ledger.rules.governance.statement import SignedStatement, sign_statement
from app.ledger.views.export import read_economy
from app.rack.home import Home
from app.rack.records.decisions import decide


def say(
    arguments: argparse.Namespace, kind: str, fields: Mapping[str, Any], *, numbered: bool
) -> int:
    """Sign a statement; journal it, or write it where `--out` names a file.

    An order is `numbered`. Raises `ShardloomError` where a rack is open or a rule refuses it.
    """
    key, home = read_key(arguments.keeper), Home(arguments.home)
    if arguments.out is not None:
        number = _next_number(home, key) if numbered else None
        signed = _signed(read_public_key(home.ledger_key), kind, fields, number, key)
        _write(arguments.out, signed)
        return 0

    def submit(ledger: Ledger) -> str:
        public = key.public_key().public_bytes_raw()
        number = ledger.stakes.next_number(public) if numbered else None
        return ledger.intake.submit(_signed(ledger.host_key, kind, fields, number, key))

    print_fact(Fact("ledger.taken_in", about=decide(home, submit)))
    return 0


def sign_into(arguments: argparse.Namespace, kind: str, fields: Mapping[str, Any]) -> None:
    """Sign a statement into the file that `--out` names; nothing is journalled."""
    host_key = read_public_key(Home(arguments.home).ledger_key)
    _write(arguments.out, _signed(host_key, kind, fields, None, read_key(arguments.keeper)))


def read_file(path: Path) -> bytes:
    """Return what is in a file, of one too long no more than tells that it is.

    Raises `BadInputError`.
    """
    try:
        with path.open("rb") as file:
            return file.read(MOST_FILE_BYTES + 1)
    except OSError as error:
        reason = reason_of(error)
        raise BadInputError("file.unreadable", path=str(path), reason=reason) from None


def named_proposal(home: Home, beginning: str) -> str:
    """Return the one proposal whose name begins so. Raises `LedgerError`."""
    names = tuple(read_economy(home.ledger_place).proposals)
    found = [name for name in names if name.startswith(beginning)]
    if len(found) != 1:
        raise LedgerError("governance.no_proposal", name=beginning)
    return found[0]


def _next_number(home: Home, key: Ed25519PrivateKey) -> int:
    public = key.public_key().public_bytes_raw().hex()
    return read_economy(home.ledger_place).orders.get(public, 0) + 1


def _signed(
    host_key: bytes,
    kind: str,
    fields: Mapping[str, Any],
    number: int | None,
    key: Ed25519PrivateKey,
) -> SignedStatement:
    more = {} if number is None else {"number": number}
    return sign_statement(kind, host_key, {**fields, **more}, key)


def _write(path: Path, signed: SignedStatement) -> None:
    try:
        path.write_text(json.dumps(signed.to_fields()) + "\n", "utf-8")
    except OSError as error:
        reason = reason_of(error)
        raise BadInputError("file.unwritable", path=str(path), reason=reason) from None
    print_fact(Fact("ledger.signed_into", path=str(path)))
