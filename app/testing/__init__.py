"""Stand-ins of whole types that tests and the simulation share: clocks, and virtual time."""
