"""What a ledger is asked for, by subject: each desk turns calls into entries."""
