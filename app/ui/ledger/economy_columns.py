"""The columns of the economy's tables."""

from __future__ import annotations

from PySide6.QtCore import Qt

from app.ledger.views.economy import ProposalRow, QuoteRow, TransactionRow
from app.rack.snapshot import PhoneSnapshot
from app.ui.looks.appearance import Appearance
from app.ui.looks.table import NO_TITLE, Column
from app.ui.looks.tokens import phone_colour
from app.words.catalogue import message
from app.words.pages.economy import (
    parameter_text,
    probation_text,
    proposal_status,
    proposal_wish,
    quote_text,
    status_word,
    votes_text,
)
from app.words.states import clock_text, credits_text, phone_name

RIGHT = Qt.AlignmentFlag.AlignRight


def transactions() -> list[Column[TransactionRow]]:
    """Return the columns of transactions and their money."""
    return [
        Column(message("Transaction"), lambda row: row.name),
        Column(message("State"), lambda row: status_word(row.status)),
        Column(message("In escrow"), lambda row: credits_text(row.held) if row.held else "", RIGHT),
        Column(message("Paid from"), _paid_from, RIGHT),
        Column(NO_TITLE, lambda _: ""),
    ]


def stakes(appearance: Appearance) -> list[Column[PhoneSnapshot]]:
    """Return the columns of what phones put up, and whose it is."""
    return [
        Column(
            message("Phone"),
            phone_name,
            colour=lambda row: phone_colour(appearance.tokens, row.position),
            tooltip=lambda row: str(row.serial),
        ),
        Column(message("Stake"), lambda row: _amount(row, "stake"), RIGHT),
        Column(message("Own"), lambda row: _amount(row, "own_stake"), RIGHT),
        Column(message("On its way out"), lambda row: _amount(row, "unbonding"), RIGHT),
        Column(message("Waits to be paid"), lambda row: _amount(row, "pending"), RIGHT),
        Column(message("Votes"), lambda row: _amount(row, "votes"), RIGHT),
        Column(message("Probation"), _probation),
        Column(NO_TITLE, lambda _: ""),
    ]


def quotes() -> list[Column[QuoteRow]]:
    """Return the columns of what keepers ask."""
    return [
        Column(message("Phone"), lambda row: row.serial),
        Column(message("Price of a layer and token"), quote_text),
    ]


def proposals() -> list[Column[ProposalRow]]:
    """Return the columns of proposals."""
    return [
        Column(message("Proposal"), lambda row: row.name[:10], tooltip=lambda row: row.name),
        Column(message("Title"), lambda row: row.title, tooltip=lambda row: row.title),
        Column(message("Wants"), proposal_wish, tooltip=proposal_wish),
        Column(message("Votes"), votes_text, tooltip=votes_text),
        Column(message("State"), proposal_status),
        Column(NO_TITLE, lambda _: ""),
    ]


def parameters() -> list[Column[tuple[str, int]]]:
    """Return the columns of what votes may change."""
    return [
        Column(message("Parameter"), lambda row: row[0]),
        Column(message("Value"), lambda row: parameter_text(*row), RIGHT),
        Column(NO_TITLE, lambda _: ""),
    ]


def _paid_from(row: TransactionRow) -> str:
    return clock_text(row.release_from_ms) if row.release_from_ms is not None else ""


def _amount(phone: PhoneSnapshot, field: str) -> str:
    return credits_text(getattr(phone.standing, field)) if phone.standing else "-"


def _probation(phone: PhoneSnapshot) -> str:
    return probation_text() if phone.standing and phone.standing.probation else ""
