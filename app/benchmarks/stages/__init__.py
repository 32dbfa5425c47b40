"""Rings of stages on loopback, and the whole model, each measured in a process of its own."""
