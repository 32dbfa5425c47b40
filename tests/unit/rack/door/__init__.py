"""The door of an open rack."""
