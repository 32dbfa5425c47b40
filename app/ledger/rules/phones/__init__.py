"""Rules for entries about one phone, and what it is known by."""
