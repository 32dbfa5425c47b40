"""Layers on phones: requested, applied, repaired after a loss."""
