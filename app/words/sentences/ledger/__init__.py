"""What `app.ledger` says, a table for each of its wings."""

from __future__ import annotations

from app.words.sentences.ledger import economy, file, history, rows, rules

TABLES = (economy, file, history, rules, rows)
