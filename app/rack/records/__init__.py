"""What an operator or a user does with a ledger that no open rack writes: decisions, proofs."""
