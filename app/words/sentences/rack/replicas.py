"""What the rack says of receipts that phones keep for each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural, plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "replicas.asked": plural(
        "{phones} phone asked, {silent} of them silent.",
        "{phones} phones asked, {silent} of them silent.",
        by="phones",
    ),
    "replicas.even": message("What the phones keep agrees with the journal."),
    "replicas.host_lied": message(
        "This control centre's key signed two things under number {number}: phones keep both."
    ),
    "replicas.missing": plural(
        "No phone keeps {count} receipt of the journal.",
        "No phone keeps {count} receipts of the journal.",
        by="count",
    ),
    "replicas.older": plural(
        "{count} receipt is older than what phones keep.",
        "{count} receipts are older than what phones keep.",
        by="count",
    ),
    "replicas.phone_lied": message("{phone} signed two things that contradict each other."),
    "replicas.stored": message(
        "Receipts in the journal: {receipts}. Kept by two phones or more: {stored}, by one: {thin}."
    ),
    "replicas.surplus": plural(
        "Phones keep {count} receipt that the journal has not.",
        "Phones keep {count} receipts that the journal has not.",
        by="count",
    ),
    "replicas.unreadable": plural(
        "{count} record was named and not shown as it was signed.",
        "{count} records were named and not shown as they were signed.",
        by="count",
    ),
    "replicas.written": message("Both sides of each contradiction are in {path}."),
}
ADVICE: Final[Mapping[str, Message]] = {}
