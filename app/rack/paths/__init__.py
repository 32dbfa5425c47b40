"""Paths between phones: found, measured, put back."""
