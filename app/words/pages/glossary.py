"""What the window's own words mean, one sentence each."""

from __future__ import annotations

from typing import Final

from app.words.catalogue import Message, message, tr

_WORDS: Final[tuple[tuple[Message, Message], ...]] = (
    (message("Rack"), message("The phones that run one model together.")),
    (message("Layer"), message("One step of the model; each phone holds some, in order.")),
    (message("Stage"), message("A phone's place in the ring, with the layers it holds.")),
    (message("Hop"), message("The way from one phone to the next, as a gap between two bars.")),
    (
        message("Assignment"),
        message("Which phone holds which layers: requested is a wish, applied is what is loaded."),
    ),
    (message("Pin"), message("Layers that a person fixed to a phone: every plan keeps them.")),
    (
        message("Objective"),
        message("What a plan seeks: the quickest token, the most tokens of all, or little energy."),
    ),
    (
        Message("1.2x"),
        message("Under a bar: how many times longer the last step took than was predicted."),
    ),
    (message("fits"), message("Every phone has the memory for its layers, and can work now.")),
    (message("Receipt"), message("What a phone signs for all that went in and came out.")),
    (message("Audit"), message("This computer runs a phone's layers again and compares.")),
    (message("Verified"), message("Every token was computed again; else it is only settled.")),
    (
        message("Settled"),
        message("No check that was due is open: the text stands, phones are paid."),
    ),
    (
        Message("R"),
        message("Reputation, 0 to 1: how sure it is by past audits that a phone is honest."),
    ),
    (Message("S"), message("Stake: what a phone has put up and loses some of for a proven lie.")),
    (Message("cr"), message("Credits, the ledger's own money.")),
    (
        message("Slash"),
        message("Stake that is taken for a proven lie; the evidence stays in the journal."),
    ),
    (message("Jailed"), message("Kept from work, for a while or until it is released.")),
    (
        message("Journal"),
        message("Everything that concerns money and proof, entry by entry, signed."),
    ),
    (message("Treasury"), message("Where slashed stake goes.")),
    (
        message("Fault"),
        message("What a tester makes a phone do wrong; it carries a flask wherever it shows."),
    ),
    (
        message("Failover"),
        message("Going on with the same text on other phones after one was lost."),
    ),
)


def glossary() -> tuple[tuple[str, str], ...]:
    """Return words and what they mean, in the language in force."""
    return tuple((tr(word), tr(meaning)) for word, meaning in _WORDS)
