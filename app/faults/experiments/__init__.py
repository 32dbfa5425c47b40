"""Experiments: faults planned beforehand, what came of them, and the archive they are kept in."""
