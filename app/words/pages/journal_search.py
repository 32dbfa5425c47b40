"""What somebody types to find in the journal: the words of its sentences, as they are shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from app.ledger.entry import EntryKind
from app.ledger.views.journal_page import JournalSearch, SearchTerm
from app.ledger.views.reasons import reason_named, reason_names
from app.words.catalogue import tr
from app.words.ledger import kind_word, known_kinds
from app.words.sentences import SENTENCES, sentence
from app.words.sentences.plural import Plural

_MOST_TERMS: Final = 12
_FIELD: Final = re.compile(r"\{[^}]*\}")
_TOLD: Final[Mapping[str, tuple[str, ...]]] = {
    EntryKind.GENESIS: ("genesis",),
    EntryKind.FORMAT_RAISED: ("format_raised",),
    EntryKind.PHONE_REGISTERED: ("registered", "registered_without_stake"),
    EntryKind.PHONE_CHANGED: ("phone_changed",),
    EntryKind.KEY_WITHDRAWN: ("key_withdrawn",),
    EntryKind.EXAMINED: ("keeps_standard", "breaks_rules"),
    EntryKind.TRANSACTION_OPENED: ("opened",),
    EntryKind.RECEIPT: ("receipt",),
    EntryKind.EQUIVOCATION: ("equivocation",),
    EntryKind.NUMBER_REUSED: ("number_reused",),
    EntryKind.RECEIPT_WITHHELD: ("no_receipt",),
    EntryKind.AUDIT: (
        "audit_passed",
        "audit_passed_by",
        "audit_failed",
        "audit_deviates",
    ),
    EntryKind.AUDIT_NOT_DONE: ("audit_not_done",),
    EntryKind.SHARP_TEST: (
        "sharp_test_passed",
        "sharp_test_failed",
        "sharp_test_refused",
        "sharp_test_unavailable",
    ),
    EntryKind.CANARY: ("canary",),
    EntryKind.VERIFIER_CHECKED: ("verifier_right", "verifier_wrong"),
    EntryKind.CLASS_CONFIRMED: ("class_confirmed",),
    EntryKind.CLASS_READ: ("class_reproduced", "class_unknown"),
    EntryKind.WAY_DISTRUSTED: ("way_distrusted",),
    EntryKind.WAYS_TRUSTED: ("ways_trusted",),
    EntryKind.SLASHED: ("slashed",),
    EntryKind.RELEASED: ("released",),
    EntryKind.ROLLED_BACK: ("rolled_back",),
    EntryKind.SETTLED: ("settled",),
    EntryKind.COSIGNED: ("cosigned",),
    EntryKind.EVIDENCE_RULE: ("evidence_rule", "evidence_rule_days"),
    EntryKind.EVIDENCE_LET_GO: ("evidence_let_go",),
    EntryKind.EPOCH_OPENED: ("epoch_opened",),
    EntryKind.EPOCH_CLOSED: ("epoch_closed",),
}
"""Which sentences an entry of a kind may be told by, each behind `journal.`."""


def search_for(text: str, names: Mapping[str, str]) -> JournalSearch:
    """Return the search for what is typed: each word in the record, or shown in place of it.

    A word is found in the sentence that an entry's kind is told by, in the kind's own name, in the
    words of a reason, and in the name of a phone; `names` are those by serial. No more than a
    dozen words are looked for.
    """
    return JournalSearch(tuple(_term(word, names) for word in text.split()[:_MOST_TERMS]))


def _term(word: str, names: Mapping[str, str]) -> SearchTerm:
    folded = word.casefold()
    kinds = tuple(kind for kind in known_kinds() if _any(folded, _words_of(kind)))
    phones = (serial for serial, name in names.items() if folded in name.casefold())
    reasons = (name for name in reason_names() if _any(folded, [_reason(name)]))
    return SearchTerm(word, kinds, tuple(dict.fromkeys((*phones, *reasons))))


def _any(word: str, texts: Iterable[str]) -> bool:
    return any(word in text.casefold() for text in texts)


def _reason(name: str) -> str:
    reason = reason_named(name)
    return reason if isinstance(reason, str) else sentence(reason)


def _words_of(kind: str) -> list[str]:
    """Return what every entry of a kind has in common on the screen."""
    texts = [kind_word(kind)]
    for code in _TOLD.get(kind, ()):
        told = SENTENCES[f"journal.{code}"]
        forms = (told.one, told.many) if isinstance(told, Plural) else (told,)
        texts.extend(part for form in forms for part in _FIELD.split(tr(form)))
    return texts
