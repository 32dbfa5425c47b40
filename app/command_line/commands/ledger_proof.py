"""`shardloom ledger proof REQUEST --out FILE`: a file that convinces whoever has the public key."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from app.command_line.output.terminal import print_fact, print_json
from app.core.errors import BadInputError, reason_of
from app.core.facts import Fact
from app.core.identifiers import RequestId
from app.models.library import Library
from app.rack.home import Home
from app.rack.records.proof_file import make_proof


def execute(arguments: argparse.Namespace) -> int:
    """Write the proof. Raises `ShardloomError` where there is none to be had."""
    request, out = RequestId(arguments.request), Path(arguments.out)
    proof = make_proof(Home(arguments.home), Library(arguments.home).store, request)
    content = json.dumps(proof).encode()
    try:
        out.write_bytes(content)
    except OSError as error:
        reason = reason_of(error)
        raise BadInputError("proof.unwritten", path=str(out), reason=reason) from None
    if arguments.json:
        print_json({"request": request, "path": str(out), "bytes": len(content)})
    else:
        print_fact(Fact("proof.written", path=str(out), size=len(content)))
    return 0
