"""Sockets of a worker: inbox, links to next phones, outlets, heartbeat, probing."""
