"""Phones in words: their facts, their rows, and what is typed to find them."""
