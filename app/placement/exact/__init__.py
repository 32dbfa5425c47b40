"""Searches for the cheapest ring: exact for small racks, annealed beyond."""
