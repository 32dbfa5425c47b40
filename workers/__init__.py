"""What runs on a phone: shard engine, transport, receipts. Imports nothing of `app`."""
