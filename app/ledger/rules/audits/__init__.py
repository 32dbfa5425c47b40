"""What follows from audits and from refusing them: price, sharp tests, suspicion."""
