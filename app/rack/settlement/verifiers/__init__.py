"""Audits by idle phones: who is asked, how it answers, what its answers come to."""
