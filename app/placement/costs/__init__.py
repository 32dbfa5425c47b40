"""The cost model: memory, time and energy of spans, hops and rings."""
