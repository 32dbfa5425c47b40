"""Who writes a ledger: the head that its key signs, and how another takes over."""
