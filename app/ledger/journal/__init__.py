"""The append-only journal: chained entries, signed head, file, replay, verification."""
