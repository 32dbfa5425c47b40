"""Where a journal is kept: one interface, a file of SQLite or a database of PostgreSQL."""
