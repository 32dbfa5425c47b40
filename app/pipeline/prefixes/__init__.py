"""Which rows of earlier transactions are still on the phones, and which of them a text can use."""
