"""What happened, line by line: searched, selected by time, kept over restarts, exported."""
