"""Receipts that phones keep for each other: the list of members, and what they hold."""
