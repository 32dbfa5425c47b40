"""OpenAI's interface: its bodies, their translation, the shapes of its answers."""
