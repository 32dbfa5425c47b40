"""A worker as a stage of the ring: transactions, steps, what the last stage answers, faults."""
