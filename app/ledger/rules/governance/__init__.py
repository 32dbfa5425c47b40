"""Rules for proposals, votes, grants from the treasury and the emergency stop."""
