"""Figures over time: what the graphs draw."""
