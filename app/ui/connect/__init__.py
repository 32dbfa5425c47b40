"""Connecting phones: by QR code, by pairing code, by cable, by address."""
