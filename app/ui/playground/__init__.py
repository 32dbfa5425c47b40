"""Texts in, answers out, with how sure and how fast."""
