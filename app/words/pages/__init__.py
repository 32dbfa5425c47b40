"""What single pages of the window say: models, evidence, help, the command palette."""
