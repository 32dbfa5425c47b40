"""Phones that keep receipts for each other, in virtual time: partitions, losses, liars."""
