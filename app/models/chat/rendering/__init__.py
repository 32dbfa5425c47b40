"""Chat templates come from strangers: each is rendered in a process of its own, with bounds."""
