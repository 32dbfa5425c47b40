"""`shardloom ledger keeper-key FILE`: the key by which a person speaks for phones."""

from __future__ import annotations

import argparse

from app.command_line.output.terminal import print_json, print_line
from app.core.errors import BadInputError, reason_of
from app.ledger.journal.keys import create_key, read_key


def execute(arguments: argparse.Namespace) -> int:
    """Make the key where there is none; print its public half. Raises `ShardloomError`."""
    path = arguments.file
    try:
        key = read_key(path) if path.exists() else create_key(path)
    except OSError as error:
        reason = reason_of(error)
        raise BadInputError("file.unwritable", path=str(path), reason=reason) from None
    public = key.public_key().public_bytes_raw().hex()
    if arguments.json:
        print_json({"public_key": public})
    else:
        print_line(public)
    return 0
