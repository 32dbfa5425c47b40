"""What keepers and the operator say to the economy of a ledger, signed and journalled."""
