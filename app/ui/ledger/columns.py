"""The columns of the ledger's tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import Qt

from app.ledger.views.snapshot import JournalRow, PhoneStanding, SlashRow
from app.rack.snapshot import PhoneSnapshot
from app.ui.looks.appearance import Appearance
from app.ui.looks.table import NO_TITLE, Column
from app.ui.looks.tokens import phone_colour
from app.words.catalogue import message, tr
from app.words.ledger import kind_word, offence_text, row_text
from app.words.phones.canaries import canaries_text
from app.words.states import clock_text, credits_text, phone_name

RIGHT = Qt.AlignmentFlag.AlignRight
Phones = Column[PhoneSnapshot]
Names = Callable[[], Mapping[str, str]]
"""What phones are called now, by serial."""


def staking(appearance: Appearance) -> list[Phones]:
    """Return the columns of stakes and balances."""
    return [
        _name_column(appearance),
        Column(message("Stake"), lambda row: _amount(row, "stake"), RIGHT),
        Column(message("Bonded"), lambda row: _amount(row, "bonded"), RIGHT),
        Column(message("Balance"), lambda row: _amount(row, "balance"), RIGHT),
        Column(
            message("Slashed"),
            lambda row: _amount(row, "slashed"),
            RIGHT,
            colour=lambda row: _slashed_colour(row, appearance),
        ),
        Column(NO_TITLE, lambda _: ""),
    ]


def reputation(appearance: Appearance) -> list[Phones]:
    """Return the columns of reputation and audits."""
    return [
        _name_column(appearance),
        Column(message("Reputation"), _reputation_text, RIGHT),
        Column(message("Audits passed"), lambda row: _count(row, "audits_passed"), RIGHT),
        Column(message("Audits deviating"), lambda row: _count(row, "audits_deviating"), RIGHT),
        Column(
            message("Audits failed"),
            lambda row: _count(row, "audits_failed"),
            RIGHT,
            colour=lambda row: _failed_colour(row, appearance),
        ),
        Column(
            message("Canaries"),
            lambda row: canaries_text(row.standing),
            RIGHT,
            tooltip=_canaries_tip,
        ),
        Column(message("Jailed until"), _jail_text, RIGHT),
        Column(NO_TITLE, lambda _: ""),
    ]


def slashing(appearance: Appearance, names: Names) -> list[Column[SlashRow]]:
    """Return the columns of slashes."""
    return [
        Column(message("Entry"), lambda row: str(row.sequence), RIGHT),
        Column(message("Time"), lambda row: clock_text(row.wall_ms)),
        Column(
            message("Phone"),
            lambda row: names().get(row.serial, str(row.serial)),
            colour=lambda _: appearance.tokens.slashed,
            tooltip=lambda row: str(row.serial),
        ),
        Column(message("Slashed"), lambda row: credits_text(row.amount), RIGHT),
        Column(message("Reason"), _reason, tooltip=_reason),
    ]


def journal(names: Names) -> list[Column[JournalRow]]:
    """Return the columns of the journal."""
    return [
        Column(message("Entry"), lambda row: str(row.sequence), RIGHT),
        Column(message("Time"), lambda row: clock_text(row.wall_ms)),
        Column(message("Kind"), lambda row: kind_word(row.kind)),
        Column(message("Hash"), lambda row: row.entry_hash[:10], tooltip=_whole_hash),
        Column(message("What"), lambda row: row_text(row, names()), tooltip=_subject),
    ]


def _reason(row: SlashRow) -> str:
    return offence_text(row.reason)


def _name_column(appearance: Appearance) -> Phones:
    return Column(
        message("Phone"),
        phone_name,
        colour=lambda row: phone_colour(appearance.tokens, row.position),
        tooltip=lambda row: str(row.serial),
    )


def _subject(row: JournalRow) -> str:
    return row.subject


def _whole_hash(row: JournalRow) -> str:
    return row.entry_hash


def _amount(phone: PhoneSnapshot, field: str) -> str:
    return credits_text(getattr(phone.standing, field)) if phone.standing else "-"


def _count(phone: PhoneSnapshot, field: str) -> str:
    return str(getattr(phone.standing, field)) if phone.standing else "-"


def _reputation_text(phone: PhoneSnapshot) -> str:
    if phone.standing is None:
        return "-"
    filled = round(max(0.0, min(phone.standing.reputation, 1.0)) * 10)
    return f"{'▰' * filled}{'▱' * (10 - filled)}  {phone.standing.reputation:.2f}"


def _jail_text(phone: PhoneSnapshot) -> str:
    until = phone.standing.jailed_until_ms if phone.standing else None
    return clock_text(until) if until is not None else ""


def _slashed_colour(phone: PhoneSnapshot, appearance: Appearance) -> str:
    return _alarm(phone.standing, appearance, alarmed=bool(_of(phone.standing, "slashed")))


def _failed_colour(phone: PhoneSnapshot, appearance: Appearance) -> str:
    return _alarm(phone.standing, appearance, alarmed=bool(_of(phone.standing, "audits_failed")))


def _canaries_tip(_phone: PhoneSnapshot) -> str:
    return tr(
        "How many of the last five pieces of work that were looked at, drawn as audits are, the "
        "phone did as quickly as it says that it can. Three that fall short cost stake."
    )


def _of(standing: PhoneStanding | None, field: str) -> int:
    return int(getattr(standing, field)) if standing else 0


def _alarm(standing: PhoneStanding | None, appearance: Appearance, *, alarmed: bool) -> str:
    tokens = appearance.tokens
    return tokens.slashed if standing and alarmed else tokens.text
