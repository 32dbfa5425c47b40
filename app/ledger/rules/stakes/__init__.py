"""Rules for what phones put up: probation, unbonding, keepers and their signed orders."""
