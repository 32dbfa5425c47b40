"""The money of a transaction: escrow, the moves from open to released or void, deadlines."""
