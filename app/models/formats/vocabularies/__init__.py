"""Tokenizers kept in other forms than `tokenizer.json`, made into one."""
