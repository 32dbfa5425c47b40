"""The rack over simulated phones, in virtual time."""
