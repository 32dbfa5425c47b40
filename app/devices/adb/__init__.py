"""The ADB protocol as a computer speaks it: packets, streams, services, keys."""
