"""How soon `run` has its first token on a rack that another program has open."""

from app.benchmarks.start.report import measure

__all__ = ["measure"]
