"""The command palette: what can be done, found by a few letters."""
