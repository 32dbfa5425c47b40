"""What plays by itself: the first run, and scenes for a stage."""
