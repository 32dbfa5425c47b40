"""Which phone should run which layers: cost model, exact planners, prediction."""
