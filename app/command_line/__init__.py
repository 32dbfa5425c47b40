"""The terminal front end: one module a command, imported only when that command runs."""
