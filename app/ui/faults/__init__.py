"""Where a tester makes a phone misbehave on purpose."""
