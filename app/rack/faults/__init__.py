"""Bringing a fault about and lifting it: on a worker, a simulated phone, this computer."""
