"""The planner as somebody who is asked: in a process of its own, or on the spot."""
