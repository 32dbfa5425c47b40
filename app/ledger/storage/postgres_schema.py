"""The ledger's tables in PostgreSQL; the lease has its own, which is there before them."""

from __future__ import annotations

from typing import Final

STATEMENTS: Final = (
    """CREATE TABLE journal (
        sequence bigint PRIMARY KEY CHECK (sequence > 0),
        wall_ms bigint NOT NULL CHECK (wall_ms >= 0),
        kind text NOT NULL,
        body text NOT NULL,
        previous_hash bytea NOT NULL UNIQUE CHECK (length(previous_hash) = 32),
        entry_hash bytea NOT NULL UNIQUE CHECK (length(entry_hash) = 32)
    )""",
    """CREATE OR REPLACE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'the journal is append-only'; END $$""",
    """CREATE TRIGGER journal_never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
        FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only()""",
    """CREATE TABLE head (
        id integer PRIMARY KEY CHECK (id = 1),
        size bigint NOT NULL CHECK (size > 0),
        last_hash bytea NOT NULL CHECK (length(last_hash) = 32),
        root bytea NOT NULL CHECK (length(root) = 32),
        signature bytea NOT NULL CHECK (length(signature) = 64)
    )""",
    """CREATE TABLE transfers (
        id text NOT NULL PRIMARY KEY,
        sequence bigint NOT NULL REFERENCES journal (sequence),
        debit text NOT NULL,
        credit text NOT NULL CHECK (credit <> debit),
        amount bigint NOT NULL CHECK (amount > 0)
    )""",
    "CREATE INDEX transfers_in_order ON transfers (sequence)",
    """CREATE TRIGGER transfers_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON transfers
        FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only()""",
    """CREATE TABLE balances (
        account text NOT NULL PRIMARY KEY,
        amount bigint NOT NULL,
        CHECK (amount >= 0 OR account = 'mint')
    )""",
    """CREATE TABLE snapshot (
        id integer PRIMARY KEY CHECK (id = 1),
        content bytea NOT NULL,
        signature bytea NOT NULL CHECK (length(signature) = 64)
    )""",
    """CREATE TABLE snapshot_parts (
        number bigint PRIMARY KEY CHECK (number > 0),
        content bytea NOT NULL
    )""",
    "CREATE INDEX journal_slashes ON journal (sequence) WHERE kind = 'slashed'",
)
