"""Whatever is grouped with what, the journal is the one that its operations make one by one."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.core.audit_outcome import AuditOutcome, SharpOutcome
from app.core.errors import LedgerError
from app.core.identifiers import RequestId, TransactionId
from app.ledger.group_commit import Operation, OperationOutcome, commit_together
from app.ledger.ledger import Ledger
from app.ledger.storage.sqlite import SqliteStorage
from app.ledger.views.export import export_ledger, read_snapshot
from app.testing.clocks import ManualClock
from tests.assignments import held, placed
from tests.signing import agreement
from tests.unit.ledger.support import LAYERS, MOST_TOKENS, PRICE, Bench, Verdict

NAMES = st.sampled_from(["a", "b", "c"]).map(TransactionId)
STAGES = st.integers(0, len(LAYERS) - 1)
Spoken = tuple[Any, ...]
WORDS = st.one_of(
    st.tuples(st.just("open"), NAMES),
    st.tuples(st.just("receipt"), NAMES, STAGES, st.sampled_from(["1", "2"])),
    st.tuples(st.just("audit"), NAMES, STAGES, st.sampled_from(AuditOutcome)),
    st.tuples(st.just("sharp"), NAMES, STAGES, st.sampled_from(SharpOutcome)),
    st.tuples(st.just("slash"), NAMES, STAGES, st.sampled_from(["wrong-output", "forged-root"])),
    st.tuples(st.just("withheld"), NAMES, STAGES),
    st.tuples(st.just("settle"), NAMES, st.integers(0, 9)),
    st.tuples(st.just("roll back"), NAMES, st.integers(0, 9)),
    st.tuples(st.just("stake"), STAGES, st.integers(0, 9)),
    st.tuples(st.just("due"), NAMES),
)
PARTS = st.lists(WORDS, min_size=1, max_size=3)
"""An operation: what it does in turn. The first refusal ends it, and what came before is undone."""
GROUPS = st.lists(PARTS, min_size=1, max_size=8)


class GroupMachine(RuleBasedStateMachine):
    """Two ledgers with one key are told the same: one in groups, the other one by one."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.clocks = ManualClock(), ManualClock()
        self.grouped = Bench(Path(self.folder.name) / "grouped", self.clocks[0])
        self.single = Bench(Path(self.folder.name) / "single", self.clocks[1])
        self.single.ledger.close()
        self.single.path.unlink()
        self.single.key_path.write_bytes(self.grouped.key_path.read_bytes())
        self.single.phones = self.grouped.phones
        self.single.open()
        self.grouped.register()
        self.single.register()

    @rule(group=GROUPS)
    def tell_both(self, group: list[list[Spoken]]) -> None:
        operations = [self.operation(parts) for parts in group]
        together = commit_together(self.grouped.ledger, operations)
        alone = [commit_together(self.single.ledger, [each])[0] for each in operations]
        assert told(together) == told(alone)

    @rule(group=GROUPS, steps=st.integers(0, 250))
    def interrupt(self, group: list[list[Spoken]], steps: int) -> None:
        """Let the commit of the grouped one fail where it does so much; the other hears nothing."""
        store = self.grouped.ledger._store
        assert isinstance(store, SqliteStorage)
        connection: sqlite3.Connection = store._connection
        left = iter(range(steps))
        connection.set_progress_handler(lambda: next(left, None) is None, 1)
        operations = [self.operation(parts) for parts in group]
        outcomes = commit_together(self.grouped.ledger, operations)
        connection.set_progress_handler(None, 0)
        before = self.single.ledger.snapshot().entries
        failed = all("ledger.unwritten" in str(outcome.error) for outcome in outcomes)
        with self.grouped.ledger.atomic():
            entries = self.grouped.ledger.snapshot().entries
        if entries > before or not failed:
            alone = [commit_together(self.single.ledger, [each])[0] for each in operations]
            assert failed or told(outcomes) == told(alone)

    @rule()
    def restart(self) -> None:
        for bench in (self.grouped, self.single):
            bench.ledger.close()
            bench.open()

    @rule(seconds=st.integers(1, 700))
    def wait(self, seconds: int) -> None:
        for clock in self.clocks:
            clock.advance(seconds)

    @invariant()
    def both_say_the_same_and_so_does_the_disk(self) -> None:
        if hasattr(self, "single"):
            grouped, single = self.grouped.ledger.snapshot(), self.single.ledger.snapshot()
            assert grouped == single
            assert read_snapshot(self.grouped.path) == grouped

    def operation(self, parts: list[Spoken]) -> Operation:
        return partial(self.say, parts)

    def say(self, parts: list[Spoken], ledger: Ledger) -> list[object]:
        return [self.part(ledger, *words) for words in parts]

    def part(self, ledger: Ledger, word: str, *values: Any) -> object:  # noqa: ANN401 - as drawn
        phones = self.grouped.phones
        match word, *values:
            case "open", name:
                ends = [sum(LAYERS[: index + 1]) for index in range(len(LAYERS))]
                stages = [
                    held(phone.serial, end - layers, end - 1)
                    for phone, end, layers in zip(phones, ends, LAYERS, strict=True)
                ]
                assignment = placed("demo", ends[-1], tuple(stages))
                agreed = agreement(len(stages))
                terms = ledger.open_transaction(
                    name, RequestId("r"), assignment, agreed, PRICE, 0.5, MOST_TOKENS
                )
                for phone in phones:
                    phone.terms[name] = terms
            case "receipt", name, stage, root:
                receipt = phones[stage].receipt(name, stage, sequence=1, input_root=root * 64)
                return ledger.record_receipt(*receipt)
            case "audit", name, stage, outcome:
                ledger.record_audit(Verdict(name, stage, phones[stage].serial, outcome))
            case "sharp", name, stage, outcome:
                self.look_closely(ledger, name, stage, outcome)
            case "slash", name, stage, reason:
                return ledger.slash(phones[stage].serial, name, reason, {})
            case "withheld", name, stage:
                ledger.withheld(phones[stage].serial, name)
            case "settle", name, tokens:
                ledger.settle(name, tokens)
            case "roll back", name, tokens:
                ledger.roll_back(name, tokens, "because")
            case "stake", stage, amount:
                ledger.add_stake(phones[stage].serial, amount)
            case "due", name:
                return sorted(ledger.due_stages(name))
        return None

    def look_closely(self, ledger: Ledger, name: str, stage: int, outcome: SharpOutcome) -> None:
        found = self.grouped.sharp(name, stage, outcome, input_root="1" * 64)
        if found.evidence:
            ledger.evidence.put(self.grouped.ledger.evidence.get(found.evidence))
        ledger.record_sharp_test(found)

    def teardown(self) -> None:
        if not hasattr(self, "single"):
            return
        for bench in (self.grouped, self.single):
            bench.ledger.close()
            assert bench.verify().valid
        grouped, single = export_ledger(self.grouped.path), export_ledger(self.single.path)
        assert grouped == single
        self.folder.cleanup()


def told(outcomes: Sequence[OperationOutcome]) -> list[str]:
    """Return what the callers were told, in words; anything but a refusal is a bug."""
    assert all(isinstance(outcome.error, LedgerError | None) for outcome in outcomes)
    return [f"{outcome.returned} {outcome.error}" for outcome in outcomes]


TestGroupMachine = GroupMachine.TestCase
TestGroupMachine.settings = settings(
    max_examples=30,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
