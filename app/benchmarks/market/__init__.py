"""`shardloom bench market`: who earns what in a simulated week, honest or not."""

from __future__ import annotations

from app.benchmarks.market.report import measure

__all__ = ["measure"]
