"""Proof of inference: which receipts are audited, how, and when honesty pays."""
