"""What goes on beside a request's attempt: reading ahead of a move, and what follows an end."""
