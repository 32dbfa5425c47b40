"""A phone as a thing: battery, warmth, sleep, and what its services say of them."""
