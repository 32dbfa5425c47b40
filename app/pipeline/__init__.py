"""The ring at work: the host's connections to workers and one attempt at a request over them."""
