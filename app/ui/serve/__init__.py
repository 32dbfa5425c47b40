"""The switch that serves the rack over HTTP."""
