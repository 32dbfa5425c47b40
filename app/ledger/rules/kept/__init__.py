"""How the state keeps what a long journal adds up to: packed records, names as digests."""
