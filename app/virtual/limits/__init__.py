"""What holds a phone's programs to its figures: groups, duty cycles, emulation."""
