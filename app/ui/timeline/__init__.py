"""The strip of what happened, its marks and labels."""
