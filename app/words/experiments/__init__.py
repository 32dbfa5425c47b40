"""Experiments in words: verdicts, what came of each phone, and the report as a page of its own."""
