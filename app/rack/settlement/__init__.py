"""What follows an attempt: receipts audited, verdicts journalled, work paid."""
