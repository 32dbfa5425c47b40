"""The ledger's panels: staking, slashing, reputation, journal."""
