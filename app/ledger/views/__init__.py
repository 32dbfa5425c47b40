"""What front ends see of the ledger."""
