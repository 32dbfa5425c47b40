"""Receipts that phones keep for each other: whose, where, and how all keepers come to have all."""
