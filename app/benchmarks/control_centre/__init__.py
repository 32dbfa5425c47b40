"""The window as a process of its own that is looked at: its frames, its event loop, its memory."""
