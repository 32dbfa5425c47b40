"""Racks that are made up for benchmarks."""
