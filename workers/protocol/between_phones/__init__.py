"""What phones say to each other besides steps."""
