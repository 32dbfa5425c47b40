"""What a phone says that it can do, and what it signs that it did."""
