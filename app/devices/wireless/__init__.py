"""Wireless debugging (Android 11 and later): pairing, TLS and the network's advertisements."""
