"""From a sharp test to what counts: of a phone found wrong, a file that convinces strangers."""

from __future__ import annotations

import logging
from pathlib import Path

from app.core.audit_outcome import SharpOutcome
from app.core.errors import BadInputError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.core.model import ModelManifest
from app.models.shards import Shard
from app.proof.convicting.judging import convicts
from app.proof.convicting.making import convict
from app.proof.records.request_text import model_content
from app.proof.sharp.convincing import Judgement, convinces
from app.proof.sharp.evidence import SharpEvidence
from app.proof.sharp.graph import NotCoveredError
from app.rack.settlement.sharp.close_look import CloseLook
from workers.errors import ReceiptError

NOT_PROVEN = "sharp.not_proven"
_log = logging.getLogger("shardloom.rack")


def judged(
    test: SharpEvidence, store: Path, model: ModelManifest, shard: Shard, stage: int, serial: Serial
) -> CloseLook:
    """Return what a test comes to. Blocking; graph and weights are read from the `store`.

    Wrong is who is convicted by a file that holds all it takes: what convinces this computer alone
    counts for nothing.
    """
    content = test.content()
    judgement = convinces(content, store)
    signature = test.statement.signature
    if judgement.outcome is not SharpOutcome.FAILED:
        return CloseLook.judged(serial, stage, judgement, signature, content)
    try:
        files = model.weights_of(shard.blobs)
        found = convict(test, judgement.verdict, store, model_content(model), files)
        content = found.content()
        proven = convicts(content)
    except (BadInputError, NotCoveredError, ReceiptError) as error:
        _log.warning("what speaks against %s convinces no stranger: %s", serial, error)
        return _not_proven(serial, stage, judgement)
    if proven.outcome is not SharpOutcome.FAILED:
        return _not_proven(serial, stage, judgement)
    return CloseLook.judged(serial, stage, proven, signature, content)


def _not_proven(serial: Serial, stage: int, judgement: Judgement) -> CloseLook:
    return CloseLook(serial, stage, SharpOutcome.UNAVAILABLE, Fact(NOT_PROVEN), judgement.verdict)
