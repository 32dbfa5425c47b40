"""Commands that have actions of their own, a module each."""
