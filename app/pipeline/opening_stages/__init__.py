"""How an attempt is made, and what each stage is told of that."""
