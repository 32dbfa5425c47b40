"""The phones of the rack: the list, and one phone in full."""
