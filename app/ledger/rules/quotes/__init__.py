"""What keepers ask for a layer-token, and what a phone's state makes of it."""
