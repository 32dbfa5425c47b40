"""The phones of a rack: greeted, prepared, watched, let go."""
