"""What a last stage answers: figures told of a token, and what it rests on."""
