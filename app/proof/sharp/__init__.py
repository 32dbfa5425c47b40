"""Judging a stage by the states between its operators: each recomputed from its own inputs."""
