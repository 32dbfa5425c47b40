"""What runs on a phone: shard engine, transport, receipts. Imports nothing of `app`."""

__version__ = "0.1.0"
"""Told to the host in `hello`; the same as the project's."""
