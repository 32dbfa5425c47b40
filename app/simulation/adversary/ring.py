"""Three phones in one process that run shards as phones do, sign for it, and run it again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.identifiers import Serial
from app.core.model import ModelManifest
from app.models.library import Library
from app.models.shards import Shard, span_shape
from app.proof.case import AuditCase, AuditStep
from app.proof.sharp.classes import read_class
from app.proof.sharp.draws import DRAWN_ROWS, draw
from app.proof.sharp.evidence import SharpEvidence, ShownRows, Signed
from app.proof.sharp.judging import SharpCase
from app.proof.stage_parts import StagePart, part_shape
from app.simulation.adversary.cheats import STAGES, Cheat
from workers.engine.engine import ShardEngine, SpanShape
from workers.engine.hidden import sent_form
from workers.engine.processor import canary_products, class_digest, numerical_class
from workers.engine.replay import Replay
from workers.engine.sampling import choices_of, choose_token
from workers.identity.answer_leaf import (
    COMMITTED_ALTERNATIVES,
    answer_leaf,
    chosen_token,
    no_answer,
)
from workers.identity.choices import choice_leaf
from workers.identity.digests import sampling_digest, shard_digest
from workers.identity.grounds import grounds_of, probe_seed
from workers.identity.merkle import root_hash
from workers.identity.receipts import ReceiptBody, canonical_bytes, sign_receipt
from workers.identity.states import STATES_DOMAIN, StatesBody, names_digest, states_bytes
from workers.identity.transcript import Transcript
from workers.protocol.boundary import Boundary
from workers.protocol.chain import Span
from workers.protocol.commands import SignedTerms
from workers.protocol.sampling_rule import UNSTEERED, SamplingRule
from workers.protocol.span_shape import CacheType
from workers.protocol.wire import Tensor

THREADS: Final = 1
SLOT: Final = 0
RULE: Final = SamplingRule()
ALL_OPERATORS: Final = 1 << 20
_NONCE: Final = "0" * 32


@dataclass
class RingPhone:
    """One stage: what it runs, honest or not, and the key that it signs with."""

    stage: int
    serial: Serial
    shard: Shard
    shape: SpanShape
    graph: Path
    runs: Path
    parts: tuple[StagePart, ...]
    model: ModelManifest
    products: tuple[Tensor, ...] = field(default_factory=lambda: canary_products(THREADS))
    """What it shows as its canary: of a class that it invents something that nothing computes."""
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    signed: int = 0

    def __post_init__(self) -> None:
        self._engine = ShardEngine(self.runs, self.shape, THREADS)
        self._honest = self._engine
        if self.runs != self.graph:
            self._honest = ShardEngine(self.graph, self.shape, THREADS)

    @property
    def public_key(self) -> bytes:
        """Of Ed25519, 32 bytes."""
        return self.key.public_key().public_bytes_raw()

    @property
    def numerical_class(self) -> str:
        """What it registers with and signs for."""
        own = numerical_class(THREADS)
        return f"{own.rpartition(' ')[0]} {class_digest(self.products)}"

    @property
    def digest(self) -> str:
        """What it says that it runs."""
        return shard_digest(self.shard.graph.sha256, self.model.weights_of(self.shard.blobs))

    def begin(self, transaction: str, terms: SignedTerms) -> None:
        """Start an attempt with an empty cache."""
        self._transaction, self._terms = transaction, terms
        self._transcript, self._steps = Transcript(), list[AuditStep]()
        for engine in {self._engine, self._honest}:
            engine.forget(SLOT)

    def step(self, position: int, inputs: Tensor, generated: int, cheat: Cheat | None) -> Tensor:
        """Return what it sends on, and sign for it at the end; None cheats in nothing."""
        engine = self._honest if cheat is None else self._engine
        outputs, choice, grounds = engine.run(SLOT, position, inputs), None, None
        if self.shape.has_head:
            end = position + inputs.shape[1]
            sent = _answer(outputs[0], end, generated, cheat)
            grounds = self._grounds(engine, outputs[0], end, cheat) if generated else None
            choice = choice_leaf(UNSTEERED if generated else None)
        else:
            altered = cheat.alter_rows(outputs) if cheat and cheat.alter_rows else outputs
            sent = sent_form(altered, Boundary.F32)
        self._transcript.record(position, inputs, sent, choice, grounds)
        step = AuditStep(position, inputs, bool(generated), generated, sent, grounds=grounds)
        self._steps.append(step)
        return sent

    def _grounds(
        self, engine: ShardEngine, logits: Tensor, end: int, cheat: Cheat | None
    ) -> Tensor:
        """Return what it signs that a token rests on."""
        row = None if engine.final_rows is None else engine.final_rows[0]
        seed = probe_seed(self._transaction, self._terms.head)
        grounds = grounds_of(_told_logits(logits, cheat), row, seed, end)
        return cheat.alter_grounds(grounds) if cheat and cheat.alter_grounds else grounds

    def case(self) -> AuditCase:
        """Return its receipt with all that an audit is given."""
        sealed = self._transcript.seal()
        self.signed += 1
        body = ReceiptBody(
            transaction=self._transaction,
            stage=self.stage,
            serial=self.serial,
            span=f"stage-{self.stage}",
            graph=self.shard.graph.sha256,
            blocks=self.shard.blocks,
            input_root=sealed.input_root.hex(),
            output_root=sealed.output_root.hex(),
            steps=sealed.steps,
            tokens=sealed.tokens,
            numerical_class=self.numerical_class,
            nonce=_NONCE,
            terms=self._terms,
            shard=self.digest,
            sampling=sampling_digest(RULE),
            alternatives=COMMITTED_ALTERNATIVES,
            boundary=Boundary.F32,
            cache=CacheType.F32,
            sequence=self.signed,
            choices=sealed.choices_root.hex(),
            grounds=sealed.grounds_root.hex(),
        )
        return AuditCase(
            body,
            tuple(self._steps),
            self.graph,
            replace(self.shape, slots=1),
            RULE,
            THREADS,
            parts=self.parts if self.shard.quantized else (),
            all_parts=self.parts,
            host_class=numerical_class(THREADS),
            registered_class=self.numerical_class,
        )

    def receipt(self, case: AuditCase) -> tuple[bytes, bytes, bytes]:
        """Return a receipt as it is handed in: bytes, signature, key."""
        return (
            canonical_bytes(case.receipt),
            sign_receipt(case.receipt, self.key),
            self.public_key,
        )

    def run_again(self, case: AuditCase, *, cheating: bool) -> SharpEvidence:
        """Return what a sharp test of all operators leaves, run by what the phone really runs."""
        products = self.products
        rounding = read_class(products, case.receipt.numerical_class)
        sharp = SharpCase.of(case, rounding)
        runs = self.runs if cheating else self.graph
        replay = Replay(runs, self.shape, THREADS, case.boundary, sharp.graph.states)
        for step in case.steps:
            replay.step(step.position, step.inputs)
        statement = states_bytes(self._statement(case, replay))
        seed = hashlib.sha256(os.urandom(32) + statement).digest()
        drawn = draw(sharp.graph, sharp.extent, seed, operators=ALL_OPERATORS)
        numbers = [sharp.number(leaf) for leaf in sharp.wanted(drawn, all_ends=True)]
        opened = replay.open(numbers)
        shown = ShownRows(dict(zip(numbers, opened.rows, strict=True)), tuple(opened.proof))
        data, signature, key = self.receipt(case)
        return SharpEvidence(
            public_key=key,
            receipt=Signed(data, signature),
            statement=Signed(statement, self.key.sign(STATES_DOMAIN + statement)),
            shape=case.shape,
            sampling=case.sampling,
            steps=case.steps,
            canary=products,
            seed=seed,
            rows=DRAWN_ROWS,
            operators=ALL_OPERATORS,
            all_ends=True,
            shown=(shown,),
        )

    def _statement(self, case: AuditCase, replay: Replay) -> StatesBody:
        sealed, leaves = replay.transcript.seal(), replay.leaf_hashes
        return StatesBody(
            serial=self.serial,
            graph=self.shard.graph.sha256,
            input_root=sealed.input_root.hex(),
            output_root=sealed.output_root.hex(),
            states=names_digest(replay.states),
            states_root=root_hash(leaves).hex(),
            leaves=len(leaves),
            steps=sealed.steps,
            rows=sealed.tokens,
            numerical_class=case.receipt.numerical_class,
        )


def phones_of(
    library: Library, model: ModelManifest, cheat: Cheat | None, context_tokens: int
) -> tuple[RingPhone, ...]:
    """Return the phones of a ring, one of which may run something else than it signs for."""
    (chain,) = model.chains
    bounds = [chain.block_count * number // STAGES for number in range(STAGES + 1)]
    found = []
    for stage, (first, end) in enumerate(pairwise(bounds)):
        shard = library.shard(model, Span(chain.name, first, end))
        shape, graph = span_shape(model, shard, context_tokens, 1), _path(library, shard)
        hostile = cheat is not None and cheat.stage == stage and cheat.cheap_graph is not None
        runs = cheat.cheap_graph(graph) if hostile and cheat and cheat.cheap_graph else graph
        parts = tuple(
            StagePart(
                library.store.path(part.graph.sha256),
                part_shape(shape, has_embedding=part.has_embedding, has_head=part.has_head),
            )
            for part in shard.parts
        )
        serial = Serial(f"phone-{stage}")
        phone = RingPhone(stage, serial, shard, shape, graph, runs, parts, model)
        if cheat is not None and cheat.stage == stage and cheat.invents_class:
            phone.products = _invented(phone.products)
        found.append(phone)
    return tuple(found)


def _invented(products: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return products that no known rounding gives."""
    return tuple((each * np.float32(1.01)).astype(np.float32) for each in products)


def write_text(
    phones: Sequence[RingPhone], prompt: Sequence[int], tokens: int, lies: Mapping[int, Cheat]
) -> None:
    """Read a prompt in one step and write so many tokens; `lies` says who cheats, by stage.

    The phones have begun.
    """
    position, rows = 0, list(prompt)
    for generated in range(1, tokens + 1):
        value: Tensor = np.array([rows], np.int64)
        for phone in phones:
            value = phone.step(position, value, generated, lies.get(phone.stage))
        position, rows = position + len(rows), [chosen_token(value)]


def _answer(logits: Tensor, rows: int, generated: int, cheat: Cheat | None) -> Tensor:
    if not generated:
        return no_answer()
    told = _told_logits(logits, cheat)
    token = choose_token(told, RULE, rows)
    chosen, likeliest = choices_of(told, token, COMMITTED_ALTERNATIVES)
    if cheat is not None and cheat.alter_choice:
        chosen = likeliest[1]
    return answer_leaf(chosen, likeliest)


def _told_logits(logits: Tensor, cheat: Cheat | None) -> Tensor:
    return cheat.alter_logits(logits) if cheat and cheat.alter_logits else logits


def _path(library: Library, shard: Shard) -> Path:
    return library.store.path(shard.graph.sha256)
