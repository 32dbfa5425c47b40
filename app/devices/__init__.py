"""Phones: finding them, talking to them over ADB, measuring them, putting the worker on them."""
