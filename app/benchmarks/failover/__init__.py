"""How long a text stands still where a worker is killed or stopped, and where layers move."""

from app.benchmarks.failover.report import measure

__all__ = ["measure"]
