"""Live charts of the phones over a fixed window; now is at the right edge."""
