"""Models: those that are here, those at the hub, and bringing one here."""
