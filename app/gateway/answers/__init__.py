"""Asking the rack, and following its answers on an event loop."""
