"""Evidence that is let go by rule: journalled first, deleted then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final

from app.ledger.desks.recorder import EntryRecorder
from app.ledger.entry import Entry, EntryKind, integer, texts
from app.ledger.evidence_store import EvidenceStore, KeptFile
from app.ledger.rules.kept.evidence import (
    DAY_S,
    MOST_NAMES,
    check_rule,
    needed_evidence,
    rule_fields,
)
from app.ledger.rules.kept.evidence_rule import EvidenceRule

LOOK_INTERVAL_MS: Final = 3_600_000
"""The folder is looked through so often at most."""
MOST_AT_ONCE: Final = 4 * MOST_NAMES
_KEPT_SHARE: Final = 0.9
"""Of what is allowed, what is left once the oldest went."""


class EvidenceDesk:
    """Keeps evidence as long as its rule says. Used from one thread."""

    def __init__(self, recorder: EntryRecorder, store: EvidenceStore) -> None:
        self._recorder, self._store = recorder, store
        self._looked_ms: int | None = None

    @property
    def rule(self) -> EvidenceRule:
        """The rule in force."""
        return self._recorder.state.evidence_rule

    def keep_by(self, rule: EvidenceRule) -> None:
        """Keep evidence by another rule from now on. Raises `LedgerError` for one out of bounds."""
        check_rule(rule)
        if rule != self.rule:
            self._recorder.record(EntryKind.EVIDENCE_RULE, rule_fields(rule))
            self._looked_ms = None

    def look(self) -> None:
        """Let go what is due, where that was not looked at for a while."""
        now_ms = self._recorder.wall_ms
        if self._looked_ms is None or now_ms - self._looked_ms >= LOOK_INTERVAL_MS:
            self._looked_ms = now_ms
            self.let_go_due()

    def let_go_due(self) -> int:
        """Journal which files are too old or too many; return how many.

        They are deleted once the entry is on the disk (`deleted`).
        """
        due = list(islice(self._due(self._recorder.wall_ms), MOST_AT_ONCE))
        for at in range(0, len(due), MOST_NAMES):
            together = due[at : at + MOST_NAMES]
            names = [each.name for each in together]
            before_ms = max(each.kept_ms for each in together) + 1
            fields = {"names": names, "kept_before_ms": before_ms}
            self._recorder.record(EntryKind.EVIDENCE_LET_GO, fields)
        return len(due)

    def _due(self, now_ms: int) -> Iterator[KeptFile]:
        rule, needed = self.rule, needed_evidence(self._recorder.state)
        until_ms = now_ms if needed.from_ms is None else min(needed.from_ms, now_ms)
        files = self._store.files()
        left, most = sum(each.size for each in files), rule.most_bytes
        most = round(most * _KEPT_SHARE) if left > most else left
        oldest_ms = now_ms - rule.most_days * DAY_S * 1000 if rule.most_days else None
        for each in _spared(files, needed.names, until_ms):
            if left > most or (oldest_ms is not None and each.kept_ms < oldest_ms):
                left -= each.size
                yield each


def _spared(files: Sequence[KeptFile], needed: frozenset[str], until_ms: int) -> Iterator[KeptFile]:
    """Yield the files that may go, the oldest first."""
    for each in sorted(files, key=lambda each: each.kept_ms):
        if each.kept_ms < until_ms and each.name not in needed:
            yield each


def deleting(store: EvidenceStore, observe: Callable[[Entry], None]) -> Callable[[Entry], None]:
    """Return what observes entries that are on the disk, and deletes what they let go.

    Asked once more, as a ledger is opened, it finishes what was broken off.
    """

    def observe_and_delete(entry: Entry) -> None:
        observe(entry)
        if entry.kind == EntryKind.EVIDENCE_LET_GO:
            fields = entry.fields()
            store.delete(texts(fields, "names"), integer(fields, "kept_before_ms"))

    return observe_and_delete
