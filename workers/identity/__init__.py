"""Who a phone is and what it signs: key, Merkle trees, transcripts, receipts."""
