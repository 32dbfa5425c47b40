"""Where a tester plans experiments, watches them and reads what they showed."""
