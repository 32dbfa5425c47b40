"""What a model can be asked for, and each kind of answer in a view of its own."""
