"""Many honest phones, audited again and again, by what honest classes were measured to do.

Rows of a stage are computed as three kinds of processors round (blocks of 32, rows between their
ends with short scales, not at all) and by one row or many; receipts are drawn from these rows and
judged by the program's own measures and ledger rules. Of many phones the rules are reckoned in
arrays, for the first of them by the ledger's own too. `make soak` takes 20,000 phones.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

from app.core.assets import ASSETS
from app.core.audit_outcome import AuditOutcome
from app.ledger.rules.audits.breakers import ClassRecord
from app.ledger.rules.audits.suspicion import SUSPECTED_FROM
from app.ledger.rules.phones.phone_rules import after_audit
from app.ledger.rules.phones.reputation import Reputation
from app.ledger.rules.state import PhoneAccount
from app.models.library import Library
from app.models.quantization.block_wise import Quantization
from app.models.shards import span_shape
from app.proof.rounding import ComparedOutput, RoundingMeasure, row_shares
from app.proof.tolerance import hidden_deviation
from tests.assignments import blocks
from tests.simulation.many_audits import Judged, ManyPhones
from tests.unit.proof.sharp.support import altered, on_kleidi
from workers.engine.engine import ShardEngine, SpanShape
from workers.protocol.wire import Tensor

PHONES = int(os.environ.get("SHARDLOOM_HONEST_PHONES", "2000"))
AUDITS = 1_000
FOLLOWED = 20
"""So many of them are reckoned by the ledger's own rules too."""
RECEIPTS = 2_000
"""Of each class, drawn beforehand from its rows."""
LAYERS = (1, 6)
ROWS = 96


def _unrounded(graph: Path) -> Path:
    def edit(content: onnx.GraphProto) -> None:
        for node in content.node:
            for each in node.attribute:
                if each.name == "accuracy_level":
                    each.i = 1

    return altered(graph, "unrounded", edit)


def _rows(graph: Path, shape: SpanShape, entered: Tensor, together: int) -> Tensor:
    """Return what leaves a stage, so many rows at a time."""
    engine = ShardEngine(graph, shape, 1)
    count = entered.shape[1]
    parts = [engine.run(0, at, entered[:, at : at + together]) for at in range(0, count, together)]
    return np.concatenate(parts, axis=1)


def _stage(library: Library, quantization: Quantization) -> tuple[Path, SpanShape, Tensor]:
    """Return a middle stage of the trained demo model and real rows that enter it."""
    name = f"demo-{quantization.value}"
    model = library.import_folder(ASSETS / "demo_model", name, quantization)
    tokenizer = library.tokenizer(model)
    assert tokenizer is not None
    text = (ASSETS / "sample_text" / "gettysburg_address.txt").read_text()
    tokens = np.array([tokenizer.encode(text)[:ROWS]], np.int64)
    first, middle = (
        library.shard(model, blocks(model, *span)) for span in ((0, LAYERS[0] - 1), LAYERS)
    )
    paths = [library.store.path(each.graph.sha256) for each in (first, middle)]
    shapes = [span_shape(model, each, ROWS, 1) for each in (first, middle)]
    return paths[1], shapes[1], _rows(paths[0], shapes[0], tokens, ROWS)


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Judged]]:
    """Return receipts of every honest class, judged as audits judge them."""
    library = Library(tmp_path_factory.mktemp("home"))
    chance = random.Random(11)  # noqa: S311 - seeded on purpose
    found = {}
    for quantization in (Quantization.Q8, Quantization.Q4_PLAIN):
        graph, shape, entered = _stage(library, quantization)
        reference = _rows(graph, shape, entered, 1)
        for name, path in (("blocks", graph), ("unrounded", _unrounded(graph)),
                           ("rows", on_kleidi(graph))):  # fmt: skip
            shares = row_shares(_rows(path, shape, entered, ROWS), reference, entered)
            found[f"{quantization.value} {name}"] = [*_receipts(shares, chance)]
    graph, shape, entered = _stage(library, Quantization.F32)
    off = hidden_deviation(_rows(graph, shape, entered, ROWS), _rows(graph, shape, entered, 1))
    found["f32"] = [(AuditOutcome.PASSED, off)] * RECEIPTS
    assert off < 1
    return found


def _receipts(shares: Tensor, chance: random.Random) -> Iterator[Judged]:
    for _ in range(RECEIPTS):
        drawn = np.array(chance.choices(shares.tolist(), k=chance.randint(4, 64)))
        measure = RoundingMeasure.sum_up([drawn], ComparedOutput.ROWS)
        yield measure.outcome, measure.deviation


def test_no_honest_phone_is_harmed_by_what_its_processor_rounds(
    classes: dict[str, list[Judged]],
) -> None:
    names = sorted(classes)
    phones = ManyPhones([classes[name] for name in names], seed=7, phones=PHONES)
    accounts, shown = phones.audited(AUDITS, min(FOLLOWED, PHONES))
    assert (accounts.passed == AUDITS).all()
    assert not accounts.ever_suspected.any()
    assert (accounts.bad == 0).all()
    records = {name: ClassRecord(name) for name in names}
    for number in range(shown.shape[1]):
        name = names[phones.classes[number]]
        phone = PhoneAccount(f"phone-{number}", b"", name, staked=1)
        for drawn in shown[:, number]:
            outcome, deviation = classes[name][drawn]
            phone = after_audit(phone, outcome, deviation)
            records[name] = records[name].after_audit(phone.serial, outcome, own=False)
        assert phone.suspicion.amount == accounts.wealth[number]
        assert phone.reputation == Reputation(accounts.good[number], accounts.bad[number])
        assert (phone.audits_passed, phone.watched, phone.admitted) == (AUDITS, False, True)
    assert not any(record.doubted for record in records.values())


def test_what_many_phones_come_to_is_what_the_ledger_makes_of_each() -> None:
    receipts = [
        [(AuditOutcome.PASSED, 0.2), (AuditOutcome.DEVIATES, 0.9), (AuditOutcome.FAILED, 3.0)],
        [(AuditOutcome.PASSED, 0.6), (AuditOutcome.PASSED, 0.9), (AuditOutcome.PASSED, 0.8)],
    ]
    phones = ManyPhones(receipts, seed=3, phones=10)
    accounts, shown = phones.audited(60, 10)
    assert accounts.ever_suspected.any()
    for number in range(10):
        phone, suspected = PhoneAccount("phone", b"", "class", staked=1), False
        for drawn in shown[:, number]:
            phone = after_audit(phone, *receipts[phones.classes[number]][drawn])
            suspected = suspected or phone.suspicion.amount >= SUSPECTED_FROM
        assert phone.suspicion.amount == accounts.wealth[number]
        assert phone.reputation == Reputation(accounts.good[number], accounts.bad[number])
        assert (phone.audits_passed, suspected) == (
            accounts.passed[number],
            accounts.ever_suspected[number],
        )
