"""Phones that signed for wrong work, and the convictions that come of looking at them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.model import ModelManifest
from app.models.library import Library
from app.models.quantization.block_wise import quantize_rows
from app.proof.case import AuditCase
from app.proof.convicting.accusing import deviation, needed_leaves
from app.proof.convicting.conviction import Accused, Conviction
from app.proof.convicting.making import convict
from app.proof.records.request_text import model_content, sha256_of
from app.proof.sharp.classes import RoundingClass
from app.proof.sharp.convincing import convinces, sharp_case
from app.proof.sharp.draws import draw
from app.proof.sharp.evidence import SharpEvidence, ShownRows, Signed
from app.proof.sharp.graph import StageGraph
from app.proof.stage_parts import StagePart
from app.proof.weights.proven import ShownChunks
from app.proof.weights.source import FolderWeights, WatchedWeights
from tests.assignments import blocks
from tests.unit.proof.sharp.support import Phone, phone, with_weights
from tests.unit.proof.support import Alteration, cut, run_ring
from workers.engine.processor import canary_products, numerical_class
from workers.identity.digests import sampling_digest, shard_digest
from workers.identity.receipts import canonical_bytes, sign_receipt
from workers.identity.states import STATES_DOMAIN, states_bytes
from workers.identity.weight_tree import WeightFile
from workers.protocol.wire import Tensor

SPANS = ((0, 0), (1, 2), (3, 3))
Change = Callable[[str, np.ndarray], np.ndarray | None]


@dataclass(frozen=True)
class Work:
    """One stage as its phone signed for it, and how it answers when it is looked at."""

    case: AuditCase
    key: Ed25519PrivateKey
    model: bytes
    files: tuple[WeightFile, ...]
    store: Path
    runs: Path | None
    rounding: RoundingClass

    def looked_at(self, rows: int = 3, operators: int = 10_000) -> SharpEvidence:
        found = phone(self.case, self.rounding, self.runs)
        return self.evidence(found, rows, operators)

    def evidence(
        self, found: Phone, rows: int = 3, operators: int = 10_000, seed: bytes = b"drawn"
    ) -> SharpEvidence:
        statement = states_bytes(found.statement())
        draws = draw(found.sharp.graph, found.sharp.extent, seed, rows, operators)
        opening = found.opening(draws)
        shown = {found.sharp.number(leaf): row for leaf, row in opening.rows.items()}
        case = self.case
        return SharpEvidence(
            public_key=self.key.public_key().public_bytes_raw(),
            receipt=Signed(canonical_bytes(case.receipt), sign_receipt(case.receipt, self.key)),
            statement=Signed(statement, self.key.sign(STATES_DOMAIN + statement)),
            shape=case.shape,
            sampling=case.sampling,
            steps=case.steps,
            canary=canary_products(1),
            seed=seed,
            rows=rows,
            operators=operators,
            all_ends=True,
            shown=(ShownRows(shown, opening.proof),),
        )

    def accused(self, found: Phone, accused: Accused) -> Conviction:
        """Return the conviction of a host that opens whatever it needs to accuse of just that."""
        test = self.evidence(found, 0)
        receipt, _statement, sharp = sharp_case(test, self.store)
        needed = needed_leaves(sharp, accused)
        opened = found.replay.open(sorted(needed))
        shown = ShownRows(dict(zip(sorted(needed), opened.rows, strict=True)), tuple(opened.proof))
        content = (self.store / receipt.graph).read_bytes()
        watched = WatchedWeights(FolderWeights(self.store))
        watching = replace(sharp, graph=StageGraph(content, watched))
        rows = {needed[number]: row for number, row in shown.rows.items()}
        deviation(watching, accused, rows, test.statement.data)
        chunks = [ShownChunks.of(self.store, *each) for each in watched.chunks.items()]
        files, model = self.files, self.model.decode()
        return Conviction(
            replace(test, shown=(shown,)), accused, content, model, files, tuple(chunks)
        )

    def convicted(self, test: SharpEvidence) -> Conviction:
        verdict = convinces(test.content(), self.store).verdict
        return convict(test, verdict, self.store, self.model, self.files)


def worked(
    library: Library,
    manifest: ModelManifest,
    rounding: RoundingClass,
    stage: int = 1,
    cheap: Change | None = None,
    alter: Alteration = lambda _stage, _step, output: output,
    *,
    replays_cheaply: bool = True,
) -> Work:
    """Run a text through three stages, one of which may have other weights."""
    shards = cut(library, manifest, SPANS)
    runs = None
    if cheap is not None:
        path = with_weights(shards[stage].graph_path, cheap.__name__, cheap)
        runs = path if replays_cheaply else None
        own = replace(shards[stage], runs=StagePart(path, shards[stage].shape))
        shards = (*shards[:stage], own, *shards[stage + 1 :])
    case = run_ring(shards, 4, alter).cases[stage]
    files = manifest.weights_of(library.shard(manifest, blocks(manifest, *SPANS[stage])).blobs)
    model = model_content(manifest)
    receipt = replace(
        case.receipt,
        shard=shard_digest(case.receipt.graph, files),
        sampling=sampling_digest(case.sampling),
        numerical_class=numerical_class(1),
        terms=replace(case.receipt.terms, model=sha256_of(model)),
    )
    key = Ed25519PrivateKey.generate()
    signed = replace(case, receipt=receipt)
    return Work(signed, key, model, files, library.store.folder, runs, rounding)


def of_8_bits(_name: str, weights: Tensor) -> Tensor | None:
    """Bring matrices to what 8 bits can tell apart."""
    if weights.ndim != 2 or weights.shape[1] % 32 or len(weights) < 32:
        return None
    codes, scales = quantize_rows(weights.astype(np.float32), 8)
    return ((codes.astype(np.float32) - 128) * scales[..., None]).reshape(weights.shape)


def of_4_bits(name: str, codes: Tensor) -> Tensor | None:
    """Bring 8-bit codes to those that 4 bits can tell apart."""
    if not name.endswith(".codes"):
        return None
    coarse: Tensor = np.clip(np.rint((codes.astype(float) - 128) / 16) * 16 + 128, 0, 255)
    return coarse.astype(np.uint8)
