"""What is told of the differences between phones and the journal."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.identifiers import Serial


@dataclass(frozen=True)
class ReceiptRow:
    """A receipt that one side has and the other has not."""

    serial: str
    transaction: str
    stage: int
    sequence: int
    digest: str
    phones: tuple[Serial, ...] = ()
    """Who keeps it."""
    entry: int = 0
    """Where it stands in the journal; 0 where it does not."""


@dataclass(frozen=True)
class SignedText:
    """What was signed, and the signature in hexadecimal; a head is a note that holds its own."""

    data: str
    signature: str


@dataclass(frozen=True)
class ContradictionRow:
    """Two signed statements of one key of which an honest one makes one."""

    kind: str
    """`receipt`, `head` or `list`."""
    signer: str
    """The key, hexadecimal."""
    serial: str
    """The phone's, empty where it is the host itself."""
    number: int
    first: SignedText
    second: SignedText


@dataclass(frozen=True)
class Discrepancies:
    """What came of comparing."""

    asked: tuple[Serial, ...]
    silent: tuple[Serial, ...]
    """Phones that did not answer, or not to the end."""
    receipts: int
    """Of the journal, as far back as was looked."""
    stored: int
    """Of these, kept by two phones or more."""
    only_phones: tuple[ReceiptRow, ...] = ()
    only_phones_count: int = 0
    only_journal: tuple[ReceiptRow, ...] = ()
    only_journal_count: int = 0
    thin: int = 0
    """Receipts that one phone alone keeps."""
    older: int = 0
    """Receipts older than any that phones keep of their signer: not missed."""
    contradictions: tuple[ContradictionRow, ...] = ()
    unreadable: int = 0
    """Records that phones listed and did not show, or with a signature that does not hold."""

    @property
    def even(self) -> bool:
        """Whether both sides have the same, and nothing contradicts itself."""
        return not (self.only_phones_count or self.only_journal_count or self.contradictions)
