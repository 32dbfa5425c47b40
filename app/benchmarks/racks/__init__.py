"""Racks, receipts and clients that are made up for benchmarks."""
